using Lema.Cli.Connections;
using Lema.Protocol.V1;

namespace Lema.Cli.RunExports;

/// <summary>A run with every point of its curves.</summary>
/// <param name="EpochsPerStep">Passes over the dataset a step stands for; 0 when the dataset is gone.</param>
/// <param name="Series">Values by step, for each series.</param>
/// <param name="Seconds">Seconds of training up to a step.</param>
internal sealed record RunHistory(
    RunDetail Run, double EpochsPerStep, IReadOnlyDictionary<string, SortedDictionary<long, double>> Series, IReadOnlyDictionary<long, double> Seconds)
{
    /// <summary>Steps asked for at a time, so that the daemon leaves no point out.</summary>
    private const int Window = 20_000;

    /// <summary>Every step that has a point in one of the series.</summary>
    public IReadOnlyList<long> Steps { get; } = [.. Series.Values.SelectMany(s => s.Keys).Distinct().Order()];

    public static async Task<RunHistory> ReadAsync(HostConnection host, string run, CancellationToken cancellation)
    {
        RunDetail detail = await host.Training.GetRunAsync(new GetRunRequest { Run = run }, cancellationToken: cancellation);
        Dictionary<string, SortedDictionary<long, double>> series = new(StringComparer.Ordinal);
        Dictionary<long, double> seconds = [];
        // From 0: an evaluation before the first step belongs to it too.
        for (long from = 0; from <= detail.Summary.Step; from += Window)
        {
            GetMetricsRequest request = new() { Run = run, FromStep = from, ToStep = from + Window - 1, MaxPoints = Window };
            GetMetricsResponse part = await host.Training.GetMetricsAsync(request, cancellationToken: cancellation);
            foreach (Series curve in part.Series) Add(curve, series, seconds);
        }
        return new RunHistory(detail, await EpochsPerStepAsync(host, detail, cancellation), series, seconds);
    }

    public double? At(string series, long step) => Series.TryGetValue(series, out SortedDictionary<long, double>? values) && values.TryGetValue(step, out double value) ? value : null;

    private static void Add(Series curve, Dictionary<string, SortedDictionary<long, double>> series, Dictionary<long, double> seconds)
    {
        if (!series.TryGetValue(curve.Name, out SortedDictionary<long, double>? values)) series[curve.Name] = values = [];
        for (int i = 0; i < curve.Steps.Count; i++)
        {
            values[curve.Steps[i]] = curve.Values[i];
            if (i < curve.Seconds.Count) seconds[curve.Steps[i]] = curve.Seconds[i];
        }
    }

    private static async Task<double> EpochsPerStepAsync(HostConnection host, RunDetail detail, CancellationToken cancellation)
    {
        if (detail.Settings.HasEpochs && detail.Summary.TotalSteps > 0) return detail.Settings.Epochs / detail.Summary.TotalSteps;
        ListDatasetsResponse all = await host.Datasets.ListDatasetsAsync(new ListDatasetsRequest(), cancellationToken: cancellation);
        long rows = all.Datasets.FirstOrDefault(d => d.Name == detail.Summary.Dataset)?.Rows ?? 0;
        return rows > 0 ? (double)detail.Settings.MicroBatchSize * detail.Settings.GradientAccumulation / rows : 0;
    }
}
