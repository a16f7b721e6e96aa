using Lema.Protocol.Client;
using Lema.Protocol.V1;

namespace Lema.Web.Feeds;

/// <summary>All runs of one daemon, newest first, kept up to date.</summary>
public sealed class RunsFeed(Training.TrainingClient client) : LiveFeed
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, RunSummary> _runs = [];

    public IReadOnlyList<RunSummary> Runs
    {
        get { lock (_gate) return [.. _runs.Values]; }
    }

    protected override Task FollowAsync(CancellationToken stop) =>
        ConsumeAsync(RecoveringStream.Watch(token => client.WatchRuns(new WatchRunsRequest(), cancellationToken: token), stop: stop), Apply, stop);

    private void Apply(WatchRunsResponse response)
    {
        lock (_gate)
        {
            if (response.Snapshot is { } snapshot)
            {
                _runs.Clear();
                foreach (RunSummary run in snapshot.Runs) _runs[run.Id] = run;
            }
            else if (response.Changed is { } changed)
            {
                foreach (RunSummary run in changed.Runs) _runs[run.Id] = run;
                foreach (string id in changed.Removed) _runs.Remove(id);
            }
        }
    }
}
