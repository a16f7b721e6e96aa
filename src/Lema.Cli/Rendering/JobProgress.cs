using Spectre.Console;
using Progress = Lema.Protocol.V1.Progress;

namespace Lema.Cli.Rendering;

/// <summary>The progress of a long job as one live line: phase, share, rate, time left.</summary>
internal sealed class JobProgress(Output output, TimeProvider clock)
{
    /// <summary>Milestones of a job, so that a log gets a line for each tenth.</summary>
    private const int Milestones = 10;

    /// <summary>Before that, a rate says more of the first message than of the work.</summary>
    private static readonly TimeSpan RateAfter = TimeSpan.FromMilliseconds(200);

    private string _phase = "";
    private long _phaseStart;
    private long _doneAtStart;

    public void Show(Progress progress)
    {
        if (progress.Phase != _phase)
        {
            _phase = progress.Phase;
            _phaseStart = clock.GetTimestamp();
            _doneAtStart = progress.Done;
        }
        TimeSpan elapsed = clock.GetElapsedTime(_phaseStart);
        double rate = elapsed >= RateAfter ? (progress.Done - _doneAtStart) / elapsed.TotalSeconds : 0;
        long tenth = progress.Total > 0 ? progress.Done * Milestones / progress.Total : 0;
        output.Live.Show(width => Draw(progress, rate, width), $"{progress.Phase} {tenth}");
    }

    /// <summary>Says that some of the work was done before, so that it does not count as speed.</summary>
    /// <param name="done">Counted in the next progress.</param>
    public void Skip(long done) => _doneAtStart += done;

    /// <summary>Wipes the line and gives the console for what comes after.</summary>
    public IAnsiConsole End()
    {
        output.Live.Clear();
        return output.Text;
    }

    /// <param name="rate">Units a second; 0 when it is not known yet.</param>
    internal static string Draw(Progress progress, double rate, int width)
    {
        List<string> parts = [SafeText.Of(progress.Phase)];
        if (progress.Total > 0) parts.Add(Quantity.Percent(Math.Min(1, (double)progress.Done / progress.Total)));
        if (progress.Total > 0) parts.Add($"{Amount(progress.Done, progress.Unit)} of {Amount(progress.Total, progress.Unit)}{Word(progress.Unit)}");
        if (rate > 0 && progress.Unit == "bytes") parts.Add(Quantity.BytesPerSecond(rate));
        if (rate > 0 && progress.Total > progress.Done) parts.Add(Quantity.Duration((progress.Total - progress.Done) / rate) + " left");
        return Fields.Fit(parts, width);
    }

    private static string Amount(long amount, string unit) => unit == "bytes" ? Quantity.Bytes(amount) : Quantity.Count(amount);

    private static string Word(string unit) => unit is "bytes" or "" ? "" : " " + SafeText.Of(unit);
}
