using Lema.Engine.Checkpoints;
using Lema.Engine.Evaluation;
using Lema.Engine.Streaming;
using Lema.Engine.Streaming.Planning;

namespace Lema.Engine.Training;

/// <summary>What a run tells while it goes on.</summary>
public abstract record TrainingEvent;

/// <summary>What the run is busy with. Fraction from 0 to 1, null where it is not known.</summary>
public sealed record PhaseChanged(string Text, double? Fraction = null) : TrainingEvent;

/// <summary>Something a person reading the log should know.</summary>
public sealed record Notice(string Text) : TrainingEvent;

/// <summary>How the run will use memory and time, before its first step.</summary>
public sealed record PlanMade(MemoryPlan Plan, PlanRequest Request, int Steps) : TrainingEvent;

/// <summary>The stream of the run's weights and the ledger of its memory. Pictures, statistics and totals may be read from any thread.</summary>
public sealed record StreamOpened(IWeightStream Stream, MemoryLedger Ledger) : TrainingEvent;

/// <param name="Step">From 1: the steps that are finished with this one.</param>
/// <param name="Loss">Mean over the targets of the step.</param>
/// <param name="GradientNorm">Of all trained tensors together, before clipping.</param>
/// <param name="Tokens">Tokens of the step, without padding.</param>
/// <param name="StallSeconds">Time the computation waited for weights.</param>
/// <param name="DiskBytes">Weights read from disk.</param>
/// <param name="LedgerBytes">Charged to the job's ledger after the step.</param>
/// <param name="LedgerPeakBytes">The most that was charged at one time.</param>
public sealed record StepCompleted(
    long Step, double Loss, double LearningRate, double GradientNorm, long Tokens, double Seconds, double StallSeconds, long DiskBytes, long PeakRssBytes,
    long LedgerBytes, long LedgerPeakBytes) : TrainingEvent;

public sealed record CheckpointSaved(long Step, string Folder, IReadOnlyList<long> Removed) : TrainingEvent;

/// <param name="Loss">Mean negative log likelihood over the held-out rows' targets.</param>
/// <param name="Replies">Replies to the rows' questions, where they have any.</param>
public sealed record EvaluationCompleted(long Step, double Loss, ReplyEvaluation? Replies) : TrainingEvent
{
    /// <summary>The figure that chooses the best checkpoint, by its name in the trainer's log; NaN where no reply was made.</summary>
    public CheckpointMetric Metric(EvaluationMetric metric) => metric switch
    {
        EvaluationMetric.ValidFormat => new("eval_valid_format", Share(Replies?.ValidFormat), GreaterIsBetter: true),
        EvaluationMetric.RightAnswer => new("eval_right_answer", Share(Replies?.RightAnswers), GreaterIsBetter: true),
        _ => new("eval_loss", Loss),
    };

    private double Share(int? replies) => replies is { } count && Replies!.Questions > 0 ? (double)count / Replies.Questions : double.NaN;
}
