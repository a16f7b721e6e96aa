using Microsoft.Data.Sqlite;

namespace Lema.Server.Runs;

/// <summary>Tells watchers of runs that <c>lema-server prune</c>, a process of its own, has removed. Lives as long as the daemon.</summary>
internal sealed class PrunedRuns(RunStore store, RunDirectory directory, RunsFeed feed, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private HashSet<string> _there = [];

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        using PeriodicTimer timer = new(Interval, clock);
        try
        {
            do Look();
            while (await timer.WaitForNextTickAsync(stopping).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
        }
    }

    private void Look()
    {
        try
        {
            // In this order: a run that is told of while the database is read is in it by then, or looked for the next time.
            string[] told = [.. feed.Living];
            HashSet<string> there = [.. store.Ids()];
            foreach (string id in _there.Union(told).Except(there))
            {
                directory.Forget(id);
                feed.Removed(id);
            }
            _there = there;
        }
        catch (SqliteException)
        {
            // Who uses the database is told why it refuses; here it is asked again soon.
        }
    }
}
