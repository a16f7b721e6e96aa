using Google.Protobuf.WellKnownTypes;
using Lema.Protocol.V1;

namespace Lema.Server.Runs;

/// <summary>A row of run_steps. SQLite keeps NaN as NULL. Time is in ticks of UTC.</summary>
internal sealed class StepRow
{
    public const string Columns = "sequence AS Sequence, step AS Step, time AS Time, loss AS Loss, learning_rate AS LearningRate, grad_norm AS GradNorm, tokens AS Tokens, " +
        "seconds AS Seconds, stall_seconds AS StallSeconds, disk_bytes AS DiskBytes, peak_rss_bytes AS PeakRssBytes, ledger_bytes AS LedgerBytes, " +
        "ledger_peak_bytes AS LedgerPeakBytes";

    public string RunId { get; init; } = "";

    public long Sequence { get; init; }

    public long Step { get; init; }

    public long Time { get; init; }

    public double? Loss { get; init; }

    public double LearningRate { get; init; }

    public double? GradNorm { get; init; }

    public long Tokens { get; init; }

    public double Seconds { get; init; }

    public double StallSeconds { get; init; }

    public long DiskBytes { get; init; }

    public long PeakRssBytes { get; init; }

    public long LedgerBytes { get; init; }

    public long LedgerPeakBytes { get; init; }

    public static StepRow From(string runId, long sequence, StepPoint point) => new()
    {
        RunId = runId, Sequence = sequence, Step = point.Step, Time = point.Time.ToDateTime().Ticks, Loss = point.Loss, LearningRate = point.LearningRate, GradNorm = point.GradNorm,
        Tokens = point.Tokens, Seconds = point.Seconds, StallSeconds = point.StallSeconds, DiskBytes = point.DiskBytes, PeakRssBytes = point.PeakRssBytes,
        LedgerBytes = point.LedgerBytes, LedgerPeakBytes = point.LedgerPeakBytes,
    };

    public StepPoint ToPoint() => new()
    {
        Step = Step, Loss = Loss ?? double.NaN, LearningRate = LearningRate, GradNorm = GradNorm ?? double.NaN, Tokens = Tokens, Seconds = Seconds, StallSeconds = StallSeconds,
        DiskBytes = DiskBytes, PeakRssBytes = PeakRssBytes, LedgerBytes = LedgerBytes, LedgerPeakBytes = LedgerPeakBytes, Time = Timestamp.FromDateTime(new DateTime(Time, DateTimeKind.Utc)),
    };

    public RunEvent ToEvent()
    {
        StepPoint point = ToPoint();
        return new RunEvent
        {
            Sequence = new SequenceRange { First = (ulong)Sequence, Last = (ulong)Sequence }, Time = point.Time, Steps = new StepProgress { Points = { point } },
        };
    }
}
