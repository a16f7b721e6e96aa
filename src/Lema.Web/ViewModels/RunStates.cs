using Lema.Protocol.V1;

namespace Lema.Web.ViewModels;

/// <summary>What a run's state means to people, and what can be done in it.</summary>
public static class RunStates
{
    /// <summary>A word, and the tone it is shown in: live, wait, good, bad or quiet.</summary>
    public static (string Word, string Tone) Describe(this RunState state) => state switch
    {
        RunState.Queued => ("Queued", "wait"),
        RunState.Preparing => ("Preparing", "live"),
        RunState.Running => ("Running", "live"),
        RunState.Pausing => ("Pausing", "wait"),
        RunState.Paused => ("Paused", "wait"),
        RunState.Stopping => ("Stopping", "wait"),
        RunState.Interrupted => ("Interrupted", "bad"),
        RunState.Completed => ("Completed", "good"),
        RunState.Failed => ("Failed", "bad"),
        RunState.Stopped => ("Stopped", "quiet"),
        _ => ("Unknown", "quiet"),
    };

    public static bool IsActive(this RunState state) =>
        state is RunState.Queued or RunState.Preparing or RunState.Running or RunState.Pausing or RunState.Stopping;

    public static bool CanPause(this RunState state) => state is RunState.Queued or RunState.Preparing or RunState.Running;

    public static bool CanResume(this RunState state) => state is RunState.Paused or RunState.Interrupted or RunState.Stopped or RunState.Failed;

    public static bool CanStop(this RunState state) => state is RunState.Queued or RunState.Preparing or RunState.Running or RunState.Paused or RunState.Interrupted;

    public static bool CanDelete(this RunState state) =>
        state is RunState.Completed or RunState.Failed or RunState.Stopped or RunState.Paused or RunState.Interrupted;

    /// <summary>Share of the steps that are finished, 0 to 1.</summary>
    public static double Progress(this RunSummary run) => run.TotalSteps > 0 ? Math.Clamp((double)run.Step / run.TotalSteps, 0, 1) : 0;
}
