using Google.Protobuf.WellKnownTypes;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Errors;
using Lema.Server.Monitoring;
using Lema.Server.Storage;
using Lema.Server.Workers;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Runs;

/// <summary>One attempt at a run: its worker from start to end, and what the worker tells becoming the run's events. Lives as long as the attempt.</summary>
/// <param name="givenBytes">Memory reserved for the worker.</param>
internal sealed class RunExecution(
    RunSession session, TrainJob job, long givenBytes, RunJournal journal, RunCheckpoints checkpoints, RunStore store, IEngineWorkerFactory workers, WorkerBoard board,
    DiskReserve reserve, TimeProvider clock)
{
    private readonly CancellationTokenSource _kill = new();
    private readonly TaskCompletionSource<IEngineWorker?> _worker = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _draining;
    private bool _gainedSteps;

    public RunSession Session => session;

    /// <summary>Whether this attempt finished any step.</summary>
    public bool GainedSteps => _gainedSteps;

    /// <summary>Never throws for what happens to the worker: that becomes the run's state.</summary>
    /// <exception cref="SqliteException">The database refuses: the run is queued still.</exception>
    public async Task RunAsync()
    {
        try
        {
            if (await TryBeginAsync().ConfigureAwait(false)) await WorkAsync().ConfigureAwait(false);
        }
        finally
        {
            _worker.TrySetResult(null);
        }
    }

    /// <summary>False when the run was paused or stopped before it began, or waits for the disk.</summary>
    private async Task<bool> TryBeginAsync()
    {
        try
        {
            await journal.ChangeStateAsync(session, RunState.Queued, RunState.Preparing, change: run => run.Attempts++).ConfigureAwait(false);
            return true;
        }
        catch (ConflictException)
        {
            return false;
        }
        catch (SqliteException refused)
        {
            _worker.TrySetResult(null);
            if (FullDisk.IsWhy(refused))
            {
                await PauseForDiskAsync(refused.Message).ConfigureAwait(false);
                return false;
            }
            // It is the first of the queue still, and begun again at once.
            await Task.Delay(RunDatabase.PauseAfterRefusal, clock, _kill.Token).ConfigureAwait(false);
            throw;
        }
    }

    private async Task WorkAsync()
    {
        await checkpoints.TryReconcileAsync(session).ConfigureAwait(false);
        try
        {
            bool isLimit = session.Detail.Settings.Memory.HasTotalBytes;
            await using IEngineWorker worker = await workers.StartAsync($"run {session.Id}", isLimit ? givenBytes : null, _kill.Token).ConfigureAwait(false);
            _worker.TrySetResult(worker);
            using WorkerBoard.Entry entry = board.Add(session.Id, worker, givenBytes, isLimit);
            JobCompleted completed = await WorkerWatchdog.WatchedAsync(worker, entry, clock, end => FollowAsync(worker, entry, end), _kill.Token).ConfigureAwait(false);
            await EndAsync(completed).ConfigureAwait(false);
        }
        catch (Exception error) when (FullDisk.IsWhy(error))
        {
            await PauseForDiskAsync(error.Message).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            await FailAsync(WorkerFailure.From(error)).ConfigureAwait(false);
        }
    }

    /// <summary>Asks the worker to end after the step in progress.</summary>
    public async Task StopAsync(bool discard)
    {
        if (await _worker.Task.ConfigureAwait(false) is not { } worker) return;
        try
        {
            await worker.StopJobAsync(discard, _kill.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (WorkerFailure.From(error).WorkerLost)
        {
            // It has ended already; its stream says how.
        }
    }

    /// <summary>The daemon is going down: save and end, to be taken up at the next start.</summary>
    public Task DrainAsync()
    {
        _draining = true;
        return StopAsync(discard: false);
    }

    /// <summary>Ends the worker at once.</summary>
    public void Kill() => _kill.Cancel();

    private async Task<JobCompleted> FollowAsync(IEngineWorker worker, WorkerBoard.Entry entry, CancellationToken stop)
    {
        if (session.State is RunState.Pausing or RunState.Stopping) await worker.StopJobAsync(discard: false, stop).ConfigureAwait(false);
        await foreach (WorkerEvent next in worker.ExecuteAsync(new WorkerJob { Train = job }, stop).ConfigureAwait(false))
        {
            if (next.KindCase == WorkerEvent.KindOneofCase.Completed) return next.Completed;
            await RecordAsync(next, entry).ConfigureAwait(false);
            // While the last space goes to the database, checkpoints must not take it.
            if (reserve.IsGivenUp) throw new StorageException("the daemon's data", 0, "the disk is full.") { IsDiskFull = true };
        }
        throw new WorkerDiedException(exitCode: 0);
    }

    private async Task RecordAsync(WorkerEvent next, WorkerBoard.Entry entry)
    {
        switch (next.KindCase)
        {
            case WorkerEvent.KindOneofCase.Step:
                if (!_gainedSteps) await BecomeRunningAsync().ConfigureAwait(false);
                _gainedSteps = true;
                await journal.AppendAsync(session, new RunEvent { Steps = new StepProgress { Points = { next.Step } } }).ConfigureAwait(false);
                break;
            case WorkerEvent.KindOneofCase.Checkpoint:
                next.Checkpoint.Time ??= Timestamp.FromDateTimeOffset(clock.GetUtcNow());
                await journal.AppendAsync(session, [new RunEvent { Checkpoint = next.Checkpoint }],
                    write: (connection, transaction) => RunStore.ForgetResumeStep(connection, transaction, session.Id)).ConfigureAwait(false);
                break;
            case WorkerEvent.KindOneofCase.Evaluation:
                await store.SaveRepliesAsync(session.Id, next.Evaluation.Point.Step, next.Evaluation.Replies).ConfigureAwait(false);
                await journal.AppendAsync(session, new RunEvent { Evaluation = next.Evaluation.Point }).ConfigureAwait(false);
                break;
            case WorkerEvent.KindOneofCase.Log:
                await journal.AppendAsync(session, new RunEvent { Log = next.Log }).ConfigureAwait(false);
                break;
            case WorkerEvent.KindOneofCase.Phase:
                await journal.AppendAsync(session, new RunEvent { Phase = next.Phase }).ConfigureAwait(false);
                break;
            case WorkerEvent.KindOneofCase.Progress:
                double fraction = next.Progress.Total > 0 ? next.Progress.Done / (double)next.Progress.Total : -1;
                await journal.AppendAsync(session, new RunEvent { Phase = new PhaseChange { Text = next.Progress.Phase, Fraction = fraction } }).ConfigureAwait(false);
                break;
            case WorkerEvent.KindOneofCase.Plan:
                await journal.AppendAsync(session, new RunEvent { Plan = next.Plan }).ConfigureAwait(false);
                break;
            case WorkerEvent.KindOneofCase.CheckpointsRemoved:
                await journal.AppendAsync(session, new RunEvent { CheckpointsRemoved = next.CheckpointsRemoved }).ConfigureAwait(false);
                break;
            case WorkerEvent.KindOneofCase.Sample:
                entry.Report(next.Sample);
                break;
        }
    }

    private async Task BecomeRunningAsync()
    {
        try
        {
            if (session.State == RunState.Preparing) await journal.ChangeStateAsync(session, RunState.Preparing, RunState.Running).ConfigureAwait(false);
        }
        catch (ConflictException)
        {
            // Paused or stopped in this very moment: that stands.
        }
    }

    private Task EndAsync(JobCompleted completed)
    {
        if (completed.DiskFull) return PauseForDiskAsync(completed.Message);
        string reason = completed.Stopped && _draining ? "The daemon was stopped." : completed.Message;
        return LeaveAsync(state => new(!completed.Stopped ? RunState.Completed : state switch
        {
            RunState.Pausing => RunState.Paused,
            RunState.Stopping => RunState.Stopped,
            _ => RunState.Interrupted,
        }, reason));
    }

    /// <summary>A user's stop or pause, made in the same moment or before, stands.</summary>
    private Task PauseForDiskAsync(string reason) => LeaveAsync(state => state switch
    {
        RunState.Stopping => new(RunState.Stopped, reason),
        RunState.Pausing => new(RunState.Paused, reason),
        _ => new(RunState.Paused, $"{reason.TrimEnd('.')}. The run goes on by itself when there is space.", WaitsForDisk: true),
    });

    private async Task FailAsync(WorkerFailure failure)
    {
        try
        {
            await journal.LogAsync(session, LogLine.Types.Level.Error, failure.Message).ConfigureAwait(false);
        }
        catch (SqliteException)
        {
            // The run's state, which is written as soon as the disk takes it, says it too.
        }
        await LeaveAsync(state => new(!failure.WorkerLost ? RunState.Failed : RunStates.AfterRestart(state), failure.Message)).ConfigureAwait(false);
    }

    /// <summary>
    /// Leaves the active states; a user's call may change the state in the same moment, then the choice is made again. What the run says of its checkpoints holds before it says
    /// that nobody works on it any more.
    /// </summary>
    private async Task LeaveAsync(Func<RunState, Departure> choose)
    {
        await checkpoints.TryReconcileAsync(session).ConfigureAwait(false);
        while (true)
        {
            RunState from = session.State;
            Departure to = choose(from);
            try
            {
                await journal.ChangeStateAsync(session, from, to.State, to.Reason, run => run.WaitsForDisk = to.WaitsForDisk).ConfigureAwait(false);
                return;
            }
            catch (ConflictException) when (session.State != from)
            {
            }
            catch (SqliteException)
            {
                // The disk is full or refuses: not even the state can be written down. It will be, before anything else happens to the run; a daemon that is told to stop leaves
                // it to the next one, to which the run is one that was at work.
                if (_draining) return;
                await Task.Delay(RunDatabase.PauseAfterRefusal, clock, _kill.Token).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Where a run goes when its attempt is over.</summary>
    private sealed record Departure(RunState State, string Reason, bool WaitsForDisk = false);
}
