using System.Collections.Concurrent;

namespace Lema.Server.Jobs;

/// <summary>Jobs that are under way in this daemon: their newest state, and how to cancel them. Lives as long as the daemon.</summary>
internal sealed class LiveJobs<T> where T : class
{
    private readonly ConcurrentDictionary<string, (Watched<T> State, CancellationTokenSource Cancel, Task Work)> _jobs = new();
    private readonly SemaphoreSlim _starting = new(1, 1);

    /// <summary>The job that was started under an idempotency key, or a new one. A key, and a name that the job takes, are looked up and taken by one call at a time.</summary>
    /// <param name="key">Empty: each call is a job of its own.</param>
    public async Task<T> StartOnceAsync(string key, Func<string, T?> findByKey, Func<Task<T>> startNew)
    {
        await _starting.WaitAsync().ConfigureAwait(false);
        try
        {
            return key.Length > 0 && findByKey(key) is { } earlier ? earlier : await startNew().ConfigureAwait(false);
        }
        finally
        {
            _starting.Release();
        }
    }

    /// <summary>Starts the work, which reports through the watched state and never throws.</summary>
    public void Start(string id, T initial, Func<Watched<T>, CancellationToken, Task> work)
    {
        Watched<T> state = new(initial);
        CancellationTokenSource cancel = new();
        TaskCompletionSource registered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task task = Task.Run(async () =>
        {
            await registered.Task.ConfigureAwait(false);
            await work(state, cancel.Token).ConfigureAwait(false);
            _jobs.TryRemove(id, out _);
        });
        _jobs[id] = (state, cancel, task);
        registered.SetResult();
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

    public Task CancelAllAsync() => Task.WhenAll(_jobs.Keys.Select(CancelAsync));
}
