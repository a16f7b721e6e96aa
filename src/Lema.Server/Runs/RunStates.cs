using Lema.Protocol.V1;

namespace Lema.Server.Runs;

/// <summary>Which states of a run follow which.</summary>
public static class RunStates
{
    private static readonly Dictionary<RunState, RunState[]> Next = new()
    {
        [RunState.Queued] = [RunState.Preparing, RunState.Paused, RunState.Stopped, RunState.Failed],
        [RunState.Preparing] = [RunState.Running, RunState.Pausing, RunState.Stopping, RunState.Interrupted, RunState.Failed, RunState.Completed, RunState.Paused],
        [RunState.Running] = [RunState.Pausing, RunState.Stopping, RunState.Interrupted, RunState.Failed, RunState.Completed, RunState.Paused],
        [RunState.Pausing] = [RunState.Paused, RunState.Stopping, RunState.Interrupted, RunState.Failed, RunState.Completed],
        [RunState.Paused] = [RunState.Queued, RunState.Stopped],
        [RunState.Stopping] = [RunState.Stopped, RunState.Interrupted, RunState.Failed, RunState.Completed],
        [RunState.Interrupted] = [RunState.Queued, RunState.Paused, RunState.Stopped, RunState.Failed],
        [RunState.Failed] = [RunState.Queued],
        [RunState.Stopped] = [RunState.Queued],
        [RunState.Completed] = [],
    };

    public static bool CanFollow(RunState from, RunState to) => Next.TryGetValue(from, out RunState[]? next) && next.Contains(to);

    /// <summary>Whether a watch of the run is over: nothing more happens unless somebody resumes it.</summary>
    public static bool HasEnded(RunState state) => state is RunState.Completed or RunState.Failed or RunState.Stopped;

    /// <summary>Those of a run that is over, as the database has them.</summary>
    public static int[] Ended { get; } = [.. Enum.GetValues<RunState>().Where(HasEnded).Select(state => (int)state)];

    /// <summary>Whether a worker is on it.</summary>
    public static bool IsActive(RunState state) => state is RunState.Preparing or RunState.Running or RunState.Pausing or RunState.Stopping;

    /// <summary>States in which nothing happens to a run by itself.</summary>
    public static IEnumerable<RunState> Resting => Enum.GetValues<RunState>().Where(state => state is not (RunState.Unspecified or RunState.Queued) && !IsActive(state));

    /// <summary>What becomes, after a restart of the daemon or the loss of its worker, of a run that was in this state: a user's stop or pause stays, work is taken up again.</summary>
    public static RunState AfterRestart(RunState state) => state switch
    {
        RunState.Preparing or RunState.Running => RunState.Interrupted,
        RunState.Pausing => RunState.Paused,
        RunState.Stopping => RunState.Stopped,
        _ => state,
    };

    /// <summary>A state as it stands in sentences.</summary>
    public static string Word(RunState state) => state.ToString().ToLowerInvariant();
}
