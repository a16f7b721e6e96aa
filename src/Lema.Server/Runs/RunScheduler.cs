using System.Collections.Concurrent;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Errors;
using Lema.Server.Hosting;
using Lema.Server.Jobs;
using Lema.Server.Monitoring;
using Lema.Server.Storage;
using Lema.Server.Workers;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Runs;

/// <summary>
/// Starts queued runs, highest priority and longest waiting first, as memory allows, and takes up again what was interrupted. Lives as long as the daemon.
/// </summary>
internal sealed partial class RunScheduler(
    RunDirectory directory, RunStore store, RunJournal journal, RunJobs jobs, RunCheckpoints checkpoints, DiskSpace disk, DiskReserve reserve, IEngineWorkerFactory workers, MemoryLedger memory, ChatManager chats, WorkerBoard board, DaemonOptions options,
    TimeProvider clock, ILogger<RunScheduler> logger) : BackgroundService
{
    /// <summary>Attempts in a row that may gain no step before a run is left alone.</summary>
    private const int FruitlessAttempts = 3;

    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, (RunExecution Execution, Task Task)> _running = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly CancellationTokenSource _drain = new();

    /// <summary>Something was queued.</summary>
    public void Wake() => _wake.Release();

    public RunExecution? Running(string runId) => _running.TryGetValue(runId, out var entry) ? entry.Execution : null;

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        try
        {
            while (!await TryTakeUpAsync().ConfigureAwait(false)) await Task.Delay(TryAgainAfter, clock, stopping).ConfigureAwait(false);
            while (true)
            {
                await TryStartNextAsync(stopping).ConfigureAwait(false);
                Task released = memory.NextRelease;
                using CancellationTokenSource waiting = CancellationTokenSource.CreateLinkedTokenSource(stopping);
                await Task.WhenAny(_wake.WaitAsync(waiting.Token), released).ConfigureAwait(false);
                await waiting.CancelAsync().ConfigureAwait(false);
                stopping.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException)
        {
            await DrainAsync().ConfigureAwait(false);
        }
    }

    /// <summary>On a disk that is full or refuses nothing can be taken up yet, and the daemon is there to be asked.</summary>
    private async Task<bool> TryTakeUpAsync()
    {
        try
        {
            await TakeUpAsync().ConfigureAwait(false);
            return true;
        }
        catch (Exception error) when (error is SqliteException || FullDisk.IsWhy(error))
        {
            LogQueueFailed(TryAgainAfter, error);
            return false;
        }
    }

    /// <summary>What the last daemon left at work is interrupted, and queued again unless its settings say otherwise.</summary>
    private async Task TakeUpAsync()
    {
        foreach (RunDetail left in store.List([RunState.Preparing, RunState.Running, RunState.Pausing, RunState.Stopping, RunState.Interrupted], "", int.MaxValue))
            if (directory.Find(left.Summary.Id) is { } session) await TryTakeUpAsync(session).ConfigureAwait(false);
        foreach (RunDetail waiting in store.List([RunState.Paused], "", int.MaxValue).Where(run => run.WaitsForDisk))
            if (directory.Find(waiting.Summary.Id) is { } session) GoOnWhenThereIsSpace(session);
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
            LogNotStarted(session.Summary.Name, error.Message);
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

    /// <summary>What goes wrong here, a disk that is full for one, is no reason for the daemon to go down.</summary>
    private async Task TryStartNextAsync(CancellationToken stopping)
    {
        try
        {
            await StartNextAsync().ConfigureAwait(false);
        }
        catch (Exception error)
        {
            LogQueueFailed(TryAgainAfter, error);
            await Task.Delay(TryAgainAfter, clock, stopping).ConfigureAwait(false);
            Wake();
        }
    }

    private async Task StartNextAsync()
    {
        foreach (string id in store.Queue())
        {
            if (_running.Count >= options.MaxTrainingRuns) return;
            if (_running.ContainsKey(id)) continue;
            RunSession session = directory.Get(id);
            try
            {
                TrainJob job = jobs.Create(session.Detail, store.ResumeStep(id));
                // Strictly in order: a small run that overtakes would let a large one wait for ever.
                if (await ReserveAsync(session).ConfigureAwait(false) is not { } reservation) return;
                RunExecution execution = new(session, job, jobs.MemoryOf(session.Detail), journal, checkpoints, store, workers, board, reserve, clock);
                _running[id] = (execution, Task.Run(() => RunAsync(execution, reservation)));
            }
            catch (LemaException error)
            {
                LogNotStarted(session.Summary.Name, error.Message);
                await journal.ChangeStateAsync(session, RunState.Queued, RunState.Failed, error.Message).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Models held open for chat, but idle, make way.</summary>
    private async Task<IDisposable?> ReserveAsync(RunSession session)
    {
        string label = $"run {session.Summary.Name}";
        long bytes = jobs.MemoryOf(session.Detail);
        if (memory.TryReserve(label, bytes) is { } reservation) return reservation;
        await chats.ReleaseIdleAsync().ConfigureAwait(false);
        return memory.TryReserve(label, bytes);
    }

    private async Task RunAsync(RunExecution execution, IDisposable reservation)
    {
        RunSession session = execution.Session;
        try
        {
            await execution.RunAsync().ConfigureAwait(false);
        }
        catch (Exception error)
        {
            LogFailed(session.Summary.Name, error);
        }
        finally
        {
            reservation.Dispose();
            await AfterAttemptAsync(execution).ConfigureAwait(false);
            _running.TryRemove(session.Id, out _);
            Wake();
        }
    }

    private async Task AfterAttemptAsync(RunExecution execution)
    {
        RunSession session = execution.Session;
        int? fruitless = null;
        try
        {
            while (session.State == RunState.Interrupted && !_drain.IsCancellationRequested)
            {
                try
                {
                    fruitless ??= await store.CountAttemptAsync(session.Id, execution.GainedSteps).ConfigureAwait(false);
                    await QueueAgainAsync(session, fruitless.Value, isNews: true).ConfigureAwait(false);
                    break;
                }
                catch (SqliteException refused)
                {
                    LogNotQueued(session.Summary.Name, refused.Message, TryAgainAfter);
                    await Task.Delay(TryAgainAfter, clock, _drain.Token).ConfigureAwait(false);
                }
            }
            if (session.Detail.WaitsForDisk) GoOnWhenThereIsSpace(session);
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
        if (fruitless < FruitlessAttempts) await QueueAsync(session, RunState.Interrupted, session.Summary.Reason).ConfigureAwait(false);
        else if (isNews) await journal.LogAsync(session, LogLine.Types.Level.Warning, $"{fruitless} attempts in a row finished no step: the run is not tried again by itself.").ConfigureAwait(false);
    }

    /// <summary>Unless a user has stopped, paused or resumed the run in this moment: that stands.</summary>
    private async Task QueueAsync(RunSession session, RunState from, string reason)
    {
        try
        {
            await store.SetQueuedAsync(session.Id, clock.GetUtcNow(), resumeStep: 0).ConfigureAwait(false);
            await journal.ChangeStateAsync(session, from, RunState.Queued, reason).ConfigureAwait(false);
        }
        catch (ConflictException) when (session.State != from)
        {
        }
    }

    private void GoOnWhenThereIsSpace(RunSession session) => _ = Task.Run(async () =>
    {
        try
        {
            while (session.Detail.WaitsForDisk) await TryGoOnAsync(session).ConfigureAwait(false);
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
    private async Task TryGoOnAsync(RunSession session)
    {
        try
        {
            await disk.WaitForSpaceAsync(session, _drain.Token).ConfigureAwait(false);
            if (!session.Detail.WaitsForDisk) return;
            await QueueAsync(session, RunState.Paused, "There is space on the disk again.").ConfigureAwait(false);
            Wake();
        }
        catch (Exception refused) when (refused is SqliteException or IOException or UnauthorizedAccessException)
        {
            LogNotQueued(session.Summary.Name, refused.Message, DiskSpace.Interval);
            if (refused is not SqliteException) await Task.Delay(DiskSpace.Interval, clock, _drain.Token).ConfigureAwait(false);
        }
    }

    private async Task DrainAsync()
    {
        await _drain.CancelAsync().ConfigureAwait(false);
        (RunExecution Execution, Task Task)[] running = [.. _running.Values];
        Task saved = Task.WhenAll(running.Select(async run =>
        {
            await run.Execution.DrainAsync().ConfigureAwait(false);
            await run.Task.ConfigureAwait(false);
        }));
        if (await Task.WhenAny(saved, Task.Delay(options.DrainLimit, clock)).ConfigureAwait(false) == saved) return;
        LogNotDrained(options.DrainLimit);
        foreach ((RunExecution execution, _) in running) execution.Kill();
        await Task.WhenAll(running.Select(run => run.Task)).ConfigureAwait(false);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {Name} cannot start: {Reason}")]
    private partial void LogNotStarted(string name, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The queue could not be looked through; it will be again in {Pause}")]
    private partial void LogQueueFailed(TimeSpan pause, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {Name} could not be queued, which is tried again in {Pause}: {Reason}")]
    private partial void LogNotQueued(string name, string reason, TimeSpan pause);

    [LoggerMessage(Level = LogLevel.Error, Message = "Run {Name} broke off")]
    private partial void LogFailed(string name, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Workers did not save within {Limit}: they are ended")]
    private partial void LogNotDrained(TimeSpan limit);
}
