using System.Collections.Concurrent;

namespace Lema.Server.Jobs;

/// <summary>
/// Jobs that are under way in this daemon, and those whose end is not written down yet: their newest state, and how to cancel them. Lives as long as the daemon.
/// </summary>
internal sealed class LiveJobs<T>(JobEnds<T> ends) where T : class
{
    private readonly ConcurrentDictionary<string, (Watched<T> State, CancellationTokenSource Cancel, Task Work)> _jobs = new();
    private readonly CancellationTokenSource _leaving = new();

    /// <summary>Starts the work, which reports through the watched state, never throws and gives the job as it ended.</summary>
    public void Start(string id, T initial, Func<Watched<T>, CancellationToken, Task<T>> work)
    {
        Watched<T> state = new(initial);
        CancellationTokenSource cancel = new();
        TaskCompletionSource registered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task task = Task.Run(async () =>
        {
            await registered.Task.ConfigureAwait(false);
            await EndAsync(id, state, await work(state, cancel.Token).ConfigureAwait(false)).ConfigureAwait(false);
        });
        _jobs[id] = (state, cancel, task);
        registered.SetResult();
    }

    /// <summary>Ends a job that an earlier daemon left.</summary>
    public Task EndAsync(string id, T ended)
    {
        Watched<T> state = new(ended);
        _jobs[id] = (state, new CancellationTokenSource(), Task.CompletedTask);
        return EndAsync(id, state, ended);
    }

    public Watched<T>? Find(string id) => _jobs.TryGetValue(id, out var job) ? job.State : null;

    public IEnumerable<T> Newest => _jobs.Values.Select(job => job.State.Value);

    /// <summary>Cancels a job and waits until it has ended.</summary>
    public async Task CancelAsync(string id)
    {
        if (!_jobs.TryGetValue(id, out var job)) return;
        await job.Cancel.CancelAsync().ConfigureAwait(false);
        await job.Work.ConfigureAwait(false);
    }

    public async Task CancelAllAsync()
    {
        try
        {
            await Task.WhenAll(_jobs.Keys.Select(CancelAsync)).ConfigureAwait(false);
        }
        finally
        {
            await _leaving.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Shows the end when it is written down; on a disk that refuses it is shown all the same, and written as soon as there is space.</summary>
    private async Task EndAsync(string id, Watched<T> state, T ended)
    {
        TaskCompletionSource refused = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task written = WriteAsync();
        await (await Task.WhenAny(written, refused.Task).ConfigureAwait(false)).ConfigureAwait(false);

        async Task WriteAsync()
        {
            T asWritten = await ends.WriteAsync(id, ended, onRefused: () =>
            {
                state.Set(ended);
                refused.SetResult();
            }, _leaving.Token).ConfigureAwait(false);
            if (!refused.Task.IsCompleted || !asWritten.Equals(ended)) state.Set(asWritten);
            _jobs.TryRemove(id, out _);
        }
    }
}
