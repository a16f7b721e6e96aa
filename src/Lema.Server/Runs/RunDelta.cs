using Lema.Protocol.V1;

namespace Lema.Server.Runs;

/// <summary>Events of a run as one message to its watchers.</summary>
internal static class RunDelta
{
    public const int MostEvents = 1_000;

    /// <summary>Clients take 4 MB a message unless told otherwise.</summary>
    private const int MostBytes = 1 << 20;

    /// <summary>As many of the events as a message holds, at least one, and what the run is now.</summary>
    public static RunEvents Of(RunSummary run, IReadOnlyList<RunEvent> events)
    {
        int count = 0;
        for (long bytes = 0; count < events.Count; count++)
        {
            bytes += events[count].CalculateSize();
            if (bytes > MostBytes && count > 0) break;
        }
        RunEvents delta = new() { Run = run };
        delta.Events.AddRange(EventCoalescing.Coalesce(events.Take(count)));
        return delta;
    }

    /// <summary>Whether a delta holds all there is, and nothing that watchers are to know at once.</summary>
    public static bool CanWait(RunEvents delta) => delta.Events[^1].Sequence.Last == delta.Run.Sequence && !delta.Events.Any(IsUrgent);

    /// <summary>Whether watchers are told at once, not at the next beat of their progress.</summary>
    public static bool IsUrgent(RunEvent change) => change.BodyCase is not (RunEvent.BodyOneofCase.Steps or RunEvent.BodyOneofCase.Phase or RunEvent.BodyOneofCase.Log);
}
