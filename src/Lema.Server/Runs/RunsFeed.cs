using Lema.Protocol.V1;

namespace Lema.Server.Runs;

/// <summary>Which runs changed since when, for watchers of all runs. A watcher keeps a version and asks what is newer. Lives as long as the daemon.</summary>
internal sealed class RunsFeed
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (long Version, RunSummary? Summary)> _changes = [];
    private long _version;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public (long Version, Task NextChange) Now
    {
        get { lock (_gate) return (_version, _changed.Task); }
    }

    public void Changed(RunSummary run) => Record(run.Id, run.Clone());

    /// <summary>Ids of the runs that changed and are still there, as far as is known.</summary>
    public IReadOnlyList<string> Living
    {
        get { lock (_gate) return [.. _changes.Where(change => change.Value.Summary is not null).Select(change => change.Key)]; }
    }

    /// <summary>Once is enough: a second time tells nobody anything.</summary>
    public void Removed(string id)
    {
        lock (_gate)
            if (_changes.TryGetValue(id, out var last) && last.Summary is null) return;
        Record(id, null);
    }

    /// <summary>What changed after a version, and the version that this brings the caller to.</summary>
    public (RunsChanged Changes, long Version) Since(long version)
    {
        lock (_gate)
        {
            RunsChanged changes = new();
            foreach ((string id, (long changed, RunSummary? summary)) in _changes)
            {
                if (changed <= version) continue;
                if (summary is null) changes.Removed.Add(id);
                else changes.Runs.Add(summary);
            }
            return (changes, _version);
        }
    }

    private void Record(string id, RunSummary? summary)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            _changes[id] = (++_version, summary);
            changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        changed.SetResult();
    }
}
