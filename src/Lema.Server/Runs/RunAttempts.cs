using Lema.Protocol.V1;
using Lema.Server.Monitoring;
using Lema.Server.Storage;
using Lema.Server.Workers;

namespace Lema.Server.Runs;

/// <summary>Makes attempts at runs. Lives as long as the daemon.</summary>
internal sealed class RunAttempts(
    RunJournal journal, RunCheckpoints checkpoints, RunStore store, IEngineWorkerFactory workers, WorkerBoard board, DiskReserve reserve, TimeProvider clock)
{
    /// <param name="givenBytes">Memory reserved for the worker.</param>
    public RunExecution New(RunSession session, TrainJob job, long givenBytes) =>
        new(session, job, givenBytes, journal, checkpoints, store, workers, board, reserve, clock);
}
