using Lema.Protocol.V1;

namespace Lema.Cli.Following;

/// <summary>What is known of a run that is being followed: a snapshot, and the events since.</summary>
internal sealed class RunProgress
{
    /// <summary>Losses kept for the sparkline.</summary>
    private const int KeptLosses = 2_000;

    private readonly List<double> _losses = [];

    public RunSummary Run { get; private set; } = new();

    public IReadOnlyList<double> Losses => _losses;

    public double? LearningRate { get; private set; }

    public double? TokensPerSecond { get; private set; }

    /// <summary>Share of the last step's time in which the computation waited for weights; null until a step was seen.</summary>
    public double? StallShare { get; private set; }

    public long PeakRssBytes { get; private set; }

    public double SecondsPerStep { get; private set; }

    public string Phase { get; private set; } = "";

    public double PhaseFraction { get; private set; }

    public double? SecondsLeft => Run.HasSecondsLeft ? Run.SecondsLeft
        : SecondsPerStep > 0 && Run.TotalSteps > Run.Step ? (Run.TotalSteps - Run.Step) * SecondsPerStep : null;

    public void Apply(RunSnapshot snapshot)
    {
        Run = snapshot.Run.Summary;
        _losses.Clear();
        if (snapshot.Series.FirstOrDefault(s => s.Name == "loss") is { } loss) _losses.AddRange(loss.Values);
        LearningRate = Last(snapshot, "learning_rate") ?? LearningRate;
        TokensPerSecond = Last(snapshot, "tokens_per_second") ?? TokensPerSecond;
        PeakRssBytes = (long)(Last(snapshot, "peak_rss_bytes") ?? PeakRssBytes);
        Phase = Run.Phase;
        PhaseFraction = Run.PhaseFraction;
    }

    /// <param name="after">The run as it is after these events.</param>
    public void Apply(RunEvent happened, RunSummary? after)
    {
        if (after is not null) Run = after;
        if (happened.BodyCase == RunEvent.BodyOneofCase.Phase)
        {
            Phase = happened.Phase.Text;
            PhaseFraction = happened.Phase.Fraction;
        }
        if (happened.BodyCase != RunEvent.BodyOneofCase.Steps) return;
        foreach (StepPoint point in happened.Steps.Points) Apply(point);
        Phase = "";
    }

    private void Apply(StepPoint point)
    {
        _losses.Add(point.Loss);
        if (_losses.Count > KeptLosses) _losses.RemoveAt(0);
        LearningRate = point.LearningRate;
        PeakRssBytes = Math.Max(PeakRssBytes, point.PeakRssBytes);
        if (point.Seconds <= 0) return;
        TokensPerSecond = point.Tokens / point.Seconds;
        StallShare = point.StallSeconds / point.Seconds;
        SecondsPerStep = point.Seconds;
    }

    private static double? Last(RunSnapshot snapshot, string series) =>
        snapshot.Series.FirstOrDefault(s => s.Name == series) is { Values.Count: > 0 } found ? found.Values[^1] : null;
}
