using Lema.Engine.Errors;

namespace Lema.Server.Runs;

/// <summary>
/// Finds runs by id or name and makes sure that there is one session a run. A session lives while somebody holds it; the last few are held here too, so that their curves
/// need not be read again. Lives as long as the daemon.
/// </summary>
internal sealed class RunDirectory(RunStore store, RunsFeed feed)
{
    private const int Kept = 8;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, WeakReference<RunSession>> _sessions = [];
    private readonly Queue<RunSession> _recent = new();

    /// <exception cref="NotFoundException">There is no such run.</exception>
    public RunSession Get(string idOrName) => Find(idOrName) ?? throw new NotFoundException("run", idOrName, "`lema-remote run list` shows what there is.");

    public RunSession? Find(string idOrName)
    {
        lock (_gate)
        {
            if (Held(idOrName) is { } known && !IsGone(known)) return known;
            if (store.Find(idOrName) is not { } detail) return null;
            if (Held(detail.Summary.Id) is { } named) return named;
            RunSession session = new(detail, store);
            _sessions[session.Id] = new WeakReference<RunSession>(session);
            _recent.Enqueue(session);
            if (_recent.Count > Kept) _recent.Dequeue();
            return session;
        }
    }

    public void Forget(string id)
    {
        lock (_gate)
        {
            _sessions.Remove(id);
            RunSession[] others = [.. _recent.Where(s => s.Id != id)];
            _recent.Clear();
            foreach (RunSession session in others) _recent.Enqueue(session);
        }
    }

    /// <summary>Runs that rest may be removed by <c>lema-server prune</c>, a process of its own.</summary>
    private bool IsGone(RunSession session)
    {
        if (RunStates.IsActive(session.State) || store.Exists(session.Id)) return false;
        Forget(session.Id);
        feed.Removed(session.Id);
        return true;
    }

    private RunSession? Held(string id)
    {
        if (!_sessions.TryGetValue(id, out WeakReference<RunSession>? reference)) return null;
        if (reference.TryGetTarget(out RunSession? session)) return session;
        _sessions.Remove(id);
        return null;
    }
}
