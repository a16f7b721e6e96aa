using Lema.Protocol.V1;

namespace Lema.Server.Runs;

/// <summary>Puts neighbouring steps together in one event that carries every step's point. Everything else stays as it is.</summary>
internal static class EventCoalescing
{
    public static IEnumerable<RunEvent> Coalesce(IEnumerable<RunEvent> events)
    {
        RunEvent? open = null;
        foreach (RunEvent change in events)
        {
            if (open is not null && change.BodyCase == RunEvent.BodyOneofCase.Steps)
            {
                open.Sequence.Last = change.Sequence.Last;
                open.Time = change.Time;
                open.Steps.Points.AddRange(change.Steps.Points);
                continue;
            }
            if (open is not null) yield return open;
            open = null;
            // A copy, because the original is shared by all watchers.
            if (change.BodyCase == RunEvent.BodyOneofCase.Steps) open = change.Clone();
            else yield return change;
        }
        if (open is not null) yield return open;
    }
}
