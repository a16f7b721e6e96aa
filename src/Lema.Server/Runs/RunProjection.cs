using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Lema.Protocol.V1;
using Lema.Server.Errors;

namespace Lema.Server.Runs;

/// <summary>What a run's events make of it. Pure but for the message it changes.</summary>
internal static class RunProjection
{
    /// <summary>Weight of the newest step in the mean that rate and time left are made from.</summary>
    private const double Newest = 0.1;

    /// <exception cref="ConflictException">A change of state that cannot follow.</exception>
    public static void Apply(RunDetail run, RunEvent change)
    {
        RunSummary summary = run.Summary;
        switch (change.BodyCase)
        {
            case RunEvent.BodyOneofCase.Steps:
                foreach (StepPoint point in change.Steps.Points) ApplyStep(run, point);
                break;
            case RunEvent.BodyOneofCase.State:
                ApplyState(run, change.State, change.Time);
                break;
            case RunEvent.BodyOneofCase.Checkpoint:
                Remove(run.Checkpoints, c => c.Step == change.Checkpoint.Step);
                Checkpoint saved = change.Checkpoint.Clone();
                // A step is evaluated before it is saved.
                if (run.Evaluations.LastOrDefault(e => e.Step == saved.Step) is { } evaluated) saved.EvaluationLoss = evaluated.Loss;
                run.Checkpoints.Add(saved);
                MarkBest(run);
                break;
            case RunEvent.BodyOneofCase.CheckpointsRemoved:
                Remove(run.Checkpoints, c => change.CheckpointsRemoved.Steps.Contains(c.Step));
                MarkBest(run);
                break;
            case RunEvent.BodyOneofCase.Evaluation:
                Remove(run.Evaluations, e => e.Step >= change.Evaluation.Step);
                run.Evaluations.Add(change.Evaluation.Clone());
                summary.LastEvaluationLoss = change.Evaluation.Loss;
                if (run.Checkpoints.FirstOrDefault(c => c.Step == change.Evaluation.Step) is { } at) at.EvaluationLoss = change.Evaluation.Loss;
                MarkBest(run);
                break;
            case RunEvent.BodyOneofCase.Phase:
                summary.Phase = change.Phase.Text;
                summary.PhaseFraction = change.Phase.Fraction;
                break;
            case RunEvent.BodyOneofCase.Plan:
                run.Plan = change.Plan;
                if (change.Plan.Steps > 0) summary.TotalSteps = change.Plan.Steps;
                break;
        }
        summary.Sequence = change.Sequence.Last;
    }

    private static void Remove<T>(RepeatedField<T> all, Func<T, bool> which)
    {
        foreach (T one in all.Where(which).ToArray()) all.Remove(one);
    }

    private static void ApplyStep(RunDetail run, StepPoint point)
    {
        RunSummary summary = run.Summary;
        summary.Step = point.Step;
        summary.LastLoss = point.Loss;
        if (point.Seconds > 0)
        {
            double rate = point.Tokens / point.Seconds;
            summary.TokensPerSecond = summary.TokensPerSecond == 0 ? rate : (1 - Newest) * summary.TokensPerSecond + Newest * rate;
            double previous = summary.HasSecondsLeft && summary.TotalSteps > point.Step - 1
                ? summary.SecondsLeft / (summary.TotalSteps - point.Step + 1) : point.Seconds;
            double step = (1 - Newest) * previous + Newest * point.Seconds;
            if (summary.TotalSteps > 0) summary.SecondsLeft = step * Math.Max(0, summary.TotalSteps - point.Step);
        }
        RunTotals totals = run.Totals ??= new RunTotals();
        totals.Tokens += point.Tokens;
        totals.Seconds += point.Seconds;
        totals.StallSeconds += point.StallSeconds;
        totals.DiskBytes += point.DiskBytes;
        totals.PeakRssBytes = Math.Max(totals.PeakRssBytes, point.PeakRssBytes);
        totals.LedgerPeakBytes = Math.Max(totals.LedgerPeakBytes, point.LedgerPeakBytes);
    }

    private static void ApplyState(RunDetail run, StateChange change, Timestamp time)
    {
        RunSummary summary = run.Summary;
        if (summary.State != change.From || !RunStates.CanFollow(change.From, change.To))
            throw new ConflictException($"Run '{summary.Name}' is {RunStates.Word(summary.State)}: it cannot become {RunStates.Word(change.To)}.");
        summary.State = change.To;
        run.WaitsForDisk = false;
        summary.Reason = change.Reason;
        summary.Phase = "";
        summary.PhaseFraction = 0;
        if (change.To == RunState.Preparing)
        {
            summary.Started ??= time;
            summary.ClearSecondsLeft();
            summary.TokensPerSecond = 0;
        }
        if (!RunStates.IsActive(change.To)) summary.ClearSecondsLeft();
        summary.Ended = RunStates.HasEnded(change.To) ? time : null;
    }

    private static void MarkBest(RunDetail run)
    {
        Checkpoint? best = run.Checkpoints.Where(c => c.HasEvaluationLoss).MinBy(c => Badness(run, c));
        foreach (Checkpoint checkpoint in run.Checkpoints) checkpoint.Best = ReferenceEquals(checkpoint, best);
    }

    // By the metric that the run names; of checkpoints that are as good, the first.
    private static double Badness(RunDetail run, Checkpoint checkpoint)
    {
        EvaluationPoint? point = run.Evaluations.FirstOrDefault(e => e.Step == checkpoint.Step);
        return run.Settings?.Evaluation?.Metric switch
        {
            EvaluationSettings.Types.Metric.ValidFormat when point is { Questions: > 0 } => -(double)point.ValidFormat / point.Questions,
            EvaluationSettings.Types.Metric.RightAnswer when point is { Questions: > 0 } => -(double)point.RightAnswer / point.Questions,
            _ => checkpoint.EvaluationLoss,
        };
    }
}
