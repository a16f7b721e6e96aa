using Lema.Cli.Rendering;
using Lema.Protocol.V1;

namespace Lema.Cli.Following;

/// <summary>A run that is being followed, as text.</summary>
internal static class RunText
{
    private const int SparklineWidth = 24;

    /// <summary>State of a run as one word.</summary>
    public static string State(RunState state) => state.ToString().ToLowerInvariant();

    public static bool HasEnded(RunState state) => state is RunState.Completed or RunState.Failed or RunState.Stopped;

    /// <summary>Step, loss, learning rate, speed, memory and time left: the first of them in a narrow terminal, all in a wide one.</summary>
    public static string ProgressLine(RunProgress progress, int width)
    {
        RunSummary run = progress.Run;
        bool isRunning = run.State == RunState.Running;
        if (progress.Losses.Count == 0 || (progress.Phase.Length > 0 && !isRunning && !HasEnded(run.State)))
        {
            string share = progress.PhaseFraction > 0 ? Quantity.Percent(Math.Min(1, progress.PhaseFraction)) : "";
            return Fields.Fit([State(run.State), SafeText.Of(progress.Phase), share, SafeText.Of(run.Reason)], width);
        }
        string left = progress.SecondsLeft is { } seconds ? $"{Quantity.Duration(seconds)} left" : "";
        return Fields.Fit(
        [
            $"step {run.Step}{(run.TotalSteps > 0 ? $"/{run.TotalSteps}" : "")}",
            isRunning ? SafeText.Of(progress.Phase) : "",
            $"loss {Quantity.Loss(progress.Losses[^1])}",
            left,
            Sparkline.Draw(progress.Losses, Math.Clamp(width / 5, 6, SparklineWidth)),
            progress.LearningRate is { } rate ? $"lr {Quantity.Rate(rate)}" : "",
            progress.TokensPerSecond is { } speed ? $"{Quantity.Count(speed)} tok/s" : "",
            progress.StallShare is { } stall ? $"stall {Quantity.Percent(stall)}" : "",
            progress.PeakRssBytes > 0 ? $"mem {Quantity.Bytes(progress.PeakRssBytes)}" : "",
        ], width);
    }

    /// <summary>
    /// The line that stays for an event; null for events that only move the live line. Why a run failed is said once, by the command's error: neither the line of the
    /// log nor the change of state repeats it.
    /// </summary>
    public static string? EventLine(RunEvent happened) => happened.BodyCase switch
    {
        RunEvent.BodyOneofCase.State when happened.State.To == RunState.Failed => State(RunState.Failed),
        RunEvent.BodyOneofCase.State => $"{State(happened.State.To)}{(happened.State.Reason.Length > 0 ? $": {happened.State.Reason}" : "")}",
        RunEvent.BodyOneofCase.Checkpoint => $"checkpoint of step {happened.Checkpoint.Step}, {Quantity.Bytes(happened.Checkpoint.Bytes)}{(happened.Checkpoint.Best ? ", the best so far" : "")}",
        RunEvent.BodyOneofCase.Evaluation => EvaluationLine(happened.Evaluation),
        RunEvent.BodyOneofCase.Log when happened.Log.Level == LogLine.Types.Level.Warning => $"{happened.Log.Level.ToString().ToLowerInvariant()}: {happened.Log.Text}",
        _ => null,
    };

    /// <summary>The line of an event in the log of a run, where everything is told; null for steps and for how far a phase has come.</summary>
    public static string? HistoryLine(RunEvent happened) => happened.BodyCase switch
    {
        RunEvent.BodyOneofCase.State => $"{State(happened.State.To)}{(happened.State.Reason.Length > 0 ? $": {happened.State.Reason}" : "")}",
        RunEvent.BodyOneofCase.Phase => happened.Phase.Fraction > 0 ? null : happened.Phase.Text,
        RunEvent.BodyOneofCase.Log => happened.Log.Level == LogLine.Types.Level.Information ? happened.Log.Text : $"{happened.Log.Level.ToString().ToLowerInvariant()}: {happened.Log.Text}",
        RunEvent.BodyOneofCase.CheckpointsRemoved => $"removed the checkpoints of steps {string.Join(", ", happened.CheckpointsRemoved.Steps)}",
        RunEvent.BodyOneofCase.Plan => $"plan: {Quantity.Count(happened.Plan.Steps)} steps, {Quantity.Bytes(happened.Plan.StreamedBytesPerStep)} from disk a step",
        _ => EventLine(happened),
    };

    public static string EvaluationLine(EvaluationPoint point) => point.Questions == 0
        ? $"evaluation at step {point.Step}: loss {Quantity.Loss(point.Loss)}"
        : $"evaluation at step {point.Step}: loss {Quantity.Loss(point.Loss)}, valid format {point.ValidFormat}/{point.Questions}, right answer {point.RightAnswer}/{point.Questions}";
}
