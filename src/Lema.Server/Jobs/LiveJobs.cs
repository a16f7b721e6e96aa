using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Jobs;

/// <summary>
/// Jobs that are under way in this daemon, and those whose end could not be written down yet: their newest state, and how to cancel them. Lives as long as the daemon.
/// </summary>
/// <param name="record">Writes down how a job ended.</param>
internal sealed class LiveJobs<T>(Func<T, Task> record, TimeProvider clock) where T : class
{
    private static readonly TimeSpan WriteAgainAfter = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, (Watched<T> State, CancellationTokenSource Cancel, Task Work)> _jobs = new();
    private readonly SemaphoreSlim _starting = new(1, 1);
    private readonly CancellationTokenSource _leaving = new();

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
        try
        {
            await record(ended).ConfigureAwait(false);
        }
        catch (SqliteException)
        {
            state.Set(ended);
            _ = RecordLaterAsync(id, ended);
            return;
        }
        state.Set(ended);
        _jobs.TryRemove(id, out _);
    }

    private async Task RecordLaterAsync(string id, T ended)
    {
        while (true)
        {
            await Task.Delay(WriteAgainAfter, clock, _leaving.Token).ConfigureAwait(false);
            try
            {
                await record(ended).ConfigureAwait(false);
                break;
            }
            catch (SqliteException)
            {
                // Still refused.
            }
        }
        _jobs.TryRemove(id, out _);
    }
}
