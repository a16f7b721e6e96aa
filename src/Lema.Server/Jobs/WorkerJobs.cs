using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Monitoring;
using Lema.Server.Workers;

namespace Lema.Server.Jobs;

/// <summary>Does a job in a worker of its own, with memory reserved for it. Lives as long as the daemon.</summary>
internal sealed class WorkerJobs(IEngineWorkerFactory workers, MemoryLedger memory, WorkerBoard board, TimeProvider clock)
{
    /// <param name="label">For people and telemetry.</param>
    /// <param name="bytes">Memory to reserve.</param>
    /// <param name="onEvent">Sees every event but the last.</param>
    /// <exception cref="BudgetExceededException">There is not that much memory left.</exception>
    public async Task<JobCompleted> RunAsync(string label, WorkerJob job, long bytes, Func<WorkerEvent, Task> onEvent, CancellationToken stop)
    {
        using IDisposable reservation = memory.Reserve(label, bytes);
        await using IEngineWorker worker = await workers.StartAsync(label, memoryLimitBytes: null, stop).ConfigureAwait(false);
        using WorkerBoard.Entry entry = board.Add(label, worker, bytes);
        return await WorkerWatchdog.WatchedAsync(worker, entry, clock, async end =>
        {
            await foreach (WorkerEvent next in worker.ExecuteAsync(job, end).ConfigureAwait(false))
            {
                if (next.KindCase == WorkerEvent.KindOneofCase.Completed) return next.Completed;
                if (next.KindCase == WorkerEvent.KindOneofCase.Sample) entry.Report(next.Sample);
                else await onEvent(next).ConfigureAwait(false);
            }
            throw new WorkerDiedException(exitCode: 0);
        }, stop).ConfigureAwait(false);
    }
}
