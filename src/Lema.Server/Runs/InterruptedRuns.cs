using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Errors;
using Lema.Server.Storage;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Runs;

/// <summary>
/// Queues again what was interrupted, by the end of a worker, of the daemon or of the disk's space: after a start of the daemon and after each attempt. Lives as long as the daemon.
/// </summary>
internal sealed partial class InterruptedRuns(
    RunDirectory directory, RunStore store, RunQueue queue, RunJournal journal, RunCheckpoints checkpoints, DiskSpace disk, TimeProvider clock, ILogger<InterruptedRuns> logger)
{
    /// <summary>Attempts in a row that may gain no step before a run is left alone.</summary>
    private const int FruitlessAttempts = 3;

    /// <summary>What the last daemon left at work is interrupted, and queued again unless its settings say otherwise.</summary>
    /// <param name="leaving">Cancelled when the daemon goes.</param>
    /// <exception cref="SqliteException">The database refuses.</exception>
    public async Task TakeUpAsync(CancellationToken leaving)
    {
        foreach (RunDetail left in store.List([RunState.Preparing, RunState.Running, RunState.Pausing, RunState.Stopping, RunState.Interrupted], "", int.MaxValue))
            if (directory.Find(left.Summary.Id) is { } session) await TryTakeUpAsync(session).ConfigureAwait(false);
        foreach (RunDetail waiting in store.List([RunState.Paused], "", int.MaxValue).Where(run => run.WaitsForDisk))
            if (directory.Find(waiting.Summary.Id) is { } session) GoOnWhenThereIsSpace(session, leaving);
    }

    /// <summary>One run that cannot be, removed in this moment for one, is no trouble of the others.</summary>
    private async Task TryTakeUpAsync(RunSession session)
    {
        try
        {
            await TakeUpAsync(session).ConfigureAwait(false);
        }
        catch (LemaException error) when (!FullDisk.IsWhy(error))
        {
            LogNotTakenUp(session.Summary.Name, error.Message);
        }
    }

    /// <summary>Calls are answered already: one may change the state in this moment, then it is looked at again.</summary>
    private async Task TakeUpAsync(RunSession session)
    {
        while (true)
        {
            RunState state = session.State, next = RunStates.AfterRestart(state);
            await checkpoints.TryReconcileAsync(session).ConfigureAwait(false);
            try
            {
                if (next != state) await journal.ChangeStateAsync(session, state, next, "The daemon went down.").ConfigureAwait(false);
            }
            catch (ConflictException) when (session.State != state)
            {
                continue;
            }
            if (next != RunState.Interrupted) return;
            int fruitless = state == RunState.Interrupted ? store.FruitlessAttempts(session.Id) : await store.CountAttemptAsync(session.Id, state != RunState.Preparing).ConfigureAwait(false);
            await QueueAgainAsync(session, fruitless, isNews: state != RunState.Interrupted).ConfigureAwait(false);
            return;
        }
    }

    /// <summary>Queues a run again whose attempt was interrupted, and watches the disk for one that waits for it.</summary>
    /// <param name="leaving">Cancelled when the daemon goes: then the next one takes the run up.</param>
    public async Task AfterAttemptAsync(RunExecution execution, CancellationToken leaving)
    {
        RunSession session = execution.Session;
        int? fruitless = null;
        try
        {
            while (session.State == RunState.Interrupted && !leaving.IsCancellationRequested)
            {
                try
                {
                    fruitless ??= await store.CountAttemptAsync(session.Id, execution.GainedSteps).ConfigureAwait(false);
                    await QueueAgainAsync(session, fruitless.Value, isNews: true).ConfigureAwait(false);
                    break;
                }
                catch (SqliteException refused)
                {
                    LogNotQueued(session.Summary.Name, refused.Message, RunDatabase.PauseAfterRefusal);
                    await Task.Delay(RunDatabase.PauseAfterRefusal, clock, leaving).ConfigureAwait(false);
                }
            }
            if (session.Detail.WaitsForDisk) GoOnWhenThereIsSpace(session, leaving);
        }
        catch (OperationCanceledException)
        {
            // The next daemon takes it up.
        }
        catch (Exception error)
        {
            LogFailed(session.Summary.Name, error);
        }
    }

    /// <param name="fruitless">Attempts in a row that gained no step, the last one counted.</param>
    /// <param name="isNews">The last one has just ended.</param>
    private async Task QueueAgainAsync(RunSession session, int fruitless, bool isNews)
    {
        if (!session.Detail.Settings.AutoResume) return;
        if (fruitless < FruitlessAttempts) await TryQueueAsync(session, RunState.Interrupted, session.Summary.Reason).ConfigureAwait(false);
        else if (isNews) await journal.LogAsync(session, LogLine.Types.Level.Warning, $"{fruitless} attempts in a row finished no step: the run is not tried again by itself.").ConfigureAwait(false);
    }

    /// <summary>Unless a user has stopped, paused or resumed the run in this moment: that stands.</summary>
    private async Task TryQueueAsync(RunSession session, RunState from, string reason)
    {
        try
        {
            await queue.AddAsync(session, from, reason).ConfigureAwait(false);
        }
        catch (ConflictException) when (session.State != from)
        {
        }
    }

    private void GoOnWhenThereIsSpace(RunSession session, CancellationToken leaving) => _ = Task.Run(async () =>
    {
        try
        {
            while (session.Detail.WaitsForDisk) await TryGoOnAsync(session, leaving).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The next daemon waits for it.
        }
        catch (Exception error)
        {
            LogFailed(session.Summary.Name, error);
        }
    });

    /// <summary>There may be too little space after all, a quota that is used up, or a disk that cannot be looked at: then the run waits on.</summary>
    private async Task TryGoOnAsync(RunSession session, CancellationToken leaving)
    {
        try
        {
            await disk.WaitForSpaceAsync(session, leaving).ConfigureAwait(false);
            if (!session.Detail.WaitsForDisk) return;
            await TryQueueAsync(session, RunState.Paused, "There is space on the disk again.").ConfigureAwait(false);
        }
        catch (Exception refused) when (refused is SqliteException or IOException or UnauthorizedAccessException)
        {
            LogNotQueued(session.Summary.Name, refused.Message, DiskSpace.Interval);
            if (refused is not SqliteException) await Task.Delay(DiskSpace.Interval, clock, leaving).ConfigureAwait(false);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {Name} cannot be taken up: {Reason}")]
    private partial void LogNotTakenUp(string name, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {Name} could not be queued, which is tried again in {Pause}: {Reason}")]
    private partial void LogNotQueued(string name, string reason, TimeSpan pause);

    [LoggerMessage(Level = LogLevel.Error, Message = "Run {Name} could not be queued")]
    private partial void LogFailed(string name, Exception error);
}
