using Lema.Server.Monitoring;

namespace Lema.Server.Workers;

/// <summary>Notices a worker that is hung: it no longer answers, or has done nothing for a long time.</summary>
internal static class WorkerWatchdog
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AnswersWithin = TimeSpan.FromSeconds(60);

    /// <summary>Longer than any single step, load or hash between two events may take.</summary>
    private static readonly TimeSpan WorksWithin = TimeSpan.FromMinutes(30);

    /// <param name="onHung">Called once, after which the watch ends.</param>
    public static async Task WatchAsync(IEngineWorker worker, WorkerBoard.Entry entry, Action onHung, TimeProvider clock, CancellationToken stop)
    {
        DateTimeOffset lastAnswer = clock.GetUtcNow(), lastWork = lastAnswer;
        ulong heartbeat = 0;
        try
        {
            while (true)
            {
                await Task.Delay(Interval, clock, stop).ConfigureAwait(false);
                try
                {
                    using CancellationTokenSource late = CancellationTokenSource.CreateLinkedTokenSource(stop);
                    late.CancelAfter(Interval);
                    var ping = await worker.PingAsync(late.Token).ConfigureAwait(false);
                    lastAnswer = clock.GetUtcNow();
                    if (ping.Heartbeat != heartbeat) lastWork = lastAnswer;
                    heartbeat = ping.Heartbeat;
                    entry.Rss = ping.RssBytes;
                }
                catch (Exception) when (!stop.IsCancellationRequested)
                {
                    // Judged below by how long it has been silent.
                }
                DateTimeOffset now = clock.GetUtcNow();
                if (now - lastAnswer <= AnswersWithin && now - lastWork <= WorksWithin) continue;
                onHung();
                return;
            }
        }
        catch (OperationCanceledException)
        {
        }
    }
}
