using Lema.Protocol.V1;
using Lema.Server.Monitoring;

namespace Lema.Server.Workers;

/// <summary>Notices a worker that must be ended: it no longer answers, has done nothing for a long time, or takes memory that it was not given.</summary>
internal static class WorkerWatchdog
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5), AnswersWithin = TimeSpan.FromSeconds(60);

    /// <summary>Longer than the computation may stay at one unit of the weights, or any load or hash take between two events.</summary>
    public static readonly TimeSpan WorksWithin = TimeSpan.FromMinutes(30);

    /// <summary>Does the work under watch: it is cancelled when the worker must be ended, and fails with the reason.</summary>
    /// <param name="idles">The worker may wait for calls without doing anything.</param>
    /// <exception cref="WorkerHungException">It hung.</exception>
    /// <exception cref="Engine.Errors.BudgetExceededException">It took more memory than it was given.</exception>
    public static async Task<T> WatchedAsync<T>(
        IEngineWorker worker, WorkerBoard.Entry entry, TimeProvider clock, Func<CancellationToken, Task<T>> work, CancellationToken stop, bool idles = false)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task<Exception?> watch = WatchAsync(worker, entry, clock, idles, end.Token);
        // A worker that hangs ends the work, and work that is done ends the watch.
        _ = watch.ContinueWith(_ => end.Cancel(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            return await work(end.Token).ConfigureAwait(false);
        }
        catch (Exception) when (watch.IsCompletedSuccessfully && watch.Result is { } reason)
        {
            throw reason;
        }
        finally
        {
            await end.CancelAsync().ConfigureAwait(false);
            await watch.ConfigureAwait(false);
        }
    }

    /// <returns>Why the worker must be ended; null when the watch was.</returns>
    private static async Task<Exception?> WatchAsync(IEngineWorker worker, WorkerBoard.Entry entry, TimeProvider clock, bool idles, CancellationToken stop)
    {
        long lastAnswer = clock.GetTimestamp(), lastWork = lastAnswer;
        ulong heartbeat = 0;
        try
        {
            while (true)
            {
                await Task.Delay(Interval, clock, stop).ConfigureAwait(false);
                if (await PingAsync(worker, clock, stop).ConfigureAwait(false) is { } answer)
                {
                    lastAnswer = clock.GetTimestamp();
                    if (answer.Heartbeat != heartbeat) lastWork = lastAnswer;
                    heartbeat = answer.Heartbeat;
                    entry.Rss = answer.RssBytes;
                    if (MemoryGuard.Judge(entry.Job, answer.RssBytes, entry.GivenBytes, entry.IsLimit, MachineMemory.AvailableBytes()) is { } tooMuch) return tooMuch;
                }
                if (clock.GetElapsedTime(lastAnswer) > AnswersWithin) return new WorkerHungException($"it did not answer for {AnswersWithin.TotalSeconds} seconds");
                if (!idles && clock.GetElapsedTime(lastWork) > WorksWithin) return new WorkerHungException($"it did nothing for {WorksWithin.TotalMinutes} minutes");
            }
        }
        catch (Exception) when (stop.IsCancellationRequested)
        {
            // A ping under way when the work is done ends as a call that was cancelled, which is nothing to tell of.
            return null;
        }
    }

    /// <returns>Null when no answer came in time.</returns>
    private static async Task<PingResponse?> PingAsync(IEngineWorker worker, TimeProvider clock, CancellationToken stop)
    {
        using CancellationTokenSource late = new(Interval, clock);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        try
        {
            return await worker.PingAsync(either.Token).ConfigureAwait(false);
        }
        catch (Exception) when (!stop.IsCancellationRequested)
        {
            return null;
        }
    }
}
