using Lema.Engine.Errors;
using Lema.Protocol.V1;

namespace Lema.Server.Runs;

/// <summary>Turns steps and evaluations into the curves of the protocol.</summary>
internal static class SeriesBuilder
{
    public const int DefaultPoints = 2_000;
    public const int MostPoints = 20_000;

    private static readonly (string Name, Func<StepPoint, double> Value)[] StepSeries =
    [
        ("loss", p => p.Loss),
        ("learning_rate", p => p.LearningRate),
        ("grad_norm", p => p.GradNorm),
        ("tokens_per_second", p => p.Seconds > 0 ? p.Tokens / p.Seconds : 0),
        ("step_seconds", p => p.Seconds),
        ("stall_seconds", p => p.StallSeconds),
        ("disk_bytes", p => p.DiskBytes),
        ("peak_rss_bytes", p => p.PeakRssBytes),
        ("ledger_peak_bytes", p => p.LedgerPeakBytes),
    ];

    private static readonly (string Name, Func<EvaluationPoint, double> Value)[] EvaluationSeries =
    [
        ("evaluation_loss", e => e.Loss),
        ("valid_format_share", e => e.Questions > 0 ? e.ValidFormat / (double)e.Questions : 0),
        ("right_answer_share", e => e.Questions > 0 ? e.RightAnswer / (double)e.Questions : 0),
    ];

    /// <exception cref="InvalidInputException">A name that is no series.</exception>
    public static void CheckNames(IEnumerable<string> names)
    {
        string[] known = [.. StepSeries.Select(s => s.Name), .. EvaluationSeries.Select(s => s.Name)];
        foreach (string name in names.Where(name => !known.Contains(name)))
            throw new InvalidInputException("request", "series", $"'{name}' is no series. There are {string.Join(", ", known)}.");
    }

    /// <param name="steps">In order of their step.</param>
    /// <param name="names">Series wanted; empty: all.</param>
    public static IEnumerable<Series> Build(IReadOnlyList<StepOnCurve> steps, IEnumerable<EvaluationPoint> evaluations, IReadOnlyCollection<string> names, int maxPoints)
    {
        int count = maxPoints <= 0 ? DefaultPoints : Math.Clamp(maxPoints, 2, MostPoints);
        double[] xs = [.. steps.Select(p => (double)p.Point.Step)];
        foreach ((string name, Func<StepPoint, double> value) in StepSeries)
        {
            if (names.Count > 0 && !names.Contains(name)) continue;
            double[] ys = [.. steps.Select(p => value(p.Point))];
            int[] chosen = DownSampling.Choose(xs, ys, count);
            Series series = new() { Name = name, DownSampled = chosen.Length < steps.Count };
            foreach (int i in chosen) AddPoint(series, steps[i].Point.Step, ys[i], steps[i]);
            yield return series;
        }
        foreach ((string name, Func<EvaluationPoint, double> value) in EvaluationSeries)
        {
            if (names.Count > 0 && !names.Contains(name)) continue;
            Series series = new() { Name = name };
            foreach (EvaluationPoint point in evaluations)
            {
                int at = Array.FindLastIndex(xs, x => x <= point.Step);
                AddPoint(series, point.Step, value(point), at < 0 ? default : steps[at]);
            }
            yield return series;
        }
    }

    private static void AddPoint(Series series, long step, double value, StepOnCurve at)
    {
        series.Steps.Add(step);
        series.Values.Add(value);
        series.Seconds.Add(at.Seconds);
        series.Tokens.Add(at.Tokens);
    }
}
