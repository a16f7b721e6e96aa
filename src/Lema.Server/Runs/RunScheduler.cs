using System.Collections.Concurrent;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Hosting;
using Lema.Server.Jobs;
using Lema.Server.Monitoring;
using Lema.Server.Storage;
using Lema.Server.Workers;

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

    /// <summary>On a full disk nothing can be taken up yet, and the daemon is there to be asked.</summary>
    private async Task<bool> TryTakeUpAsync()
    {
        try
        {
            await TakeUpAsync().ConfigureAwait(false);
            return true;
        }
        catch (Exception full) when (FullDisk.IsWhy(full))
        {
            LogQueueFailed(TryAgainAfter, full);
            return false;
        }
    }

    /// <summary>What the last daemon left at work is interrupted, and queued again unless its settings say otherwise.</summary>
    private async Task TakeUpAsync()
    {
        foreach (RunDetail left in store.List([RunState.Preparing, RunState.Running, RunState.Pausing, RunState.Stopping, RunState.Interrupted], "", int.MaxValue))
        {
            RunSession session = directory.Get(left.Summary.Id);
            RunState state = session.State;
            await checkpoints.ReconcileAsync(session).ConfigureAwait(false);
            if (state != RunState.Interrupted) await journal.ChangeStateAsync(session, state, RunStates.AfterRestart(state), "The daemon went down.").ConfigureAwait(false);
            if (state == RunState.Pausing) await journal.ChangeStateAsync(session, RunState.Interrupted, RunState.Paused).ConfigureAwait(false);
            else if (session.State == RunState.Interrupted) await QueueAgainAsync(session, state == RunState.Interrupted ? null : state != RunState.Preparing).ConfigureAwait(false);
        }
        foreach (RunDetail waiting in store.List([RunState.Paused], "", int.MaxValue).Where(run => run.WaitsForDisk)) GoOnWhenThereIsSpace(directory.Get(waiting.Summary.Id));
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
            await AfterAttemptAsync(execution).ConfigureAwait(false);
            _running.TryRemove(session.Id, out _);
            reservation.Dispose();
            Wake();
        }
    }

    private async Task AfterAttemptAsync(RunExecution execution)
    {
        RunSession session = execution.Session;
        try
        {
            if (session.State == RunState.Interrupted && !_draining) await QueueAgainAsync(session, execution.GainedSteps).ConfigureAwait(false);
            if (session.Detail.WaitsForDisk) GoOnWhenThereIsSpace(session);
        }
        catch (Exception error)
        {
            LogFailed(session.Summary.Name, error);
        }
    }

    private volatile bool _draining;

    /// <param name="gainedSteps">Whether the attempt that ended finished any step; null: it has been counted.</param>
    private async Task QueueAgainAsync(RunSession session, bool? gainedSteps)
    {
        int fruitless = gainedSteps is { } gained ? await store.CountAttemptAsync(session.Id, gained).ConfigureAwait(false) : store.FruitlessAttempts(session.Id);
        if (!session.Detail.Settings.AutoResume) return;
        if (fruitless >= FruitlessAttempts)
        {
            if (gainedSteps is not null) await journal.LogAsync(session, LogLine.Types.Level.Warning, $"{fruitless} attempts in a row finished no step: the run is not tried again by itself.").ConfigureAwait(false);
            return;
        }
        await store.SetQueuedAsync(session.Id, clock.GetUtcNow(), resumeStep: 0).ConfigureAwait(false);
        await journal.ChangeStateAsync(session, RunState.Interrupted, RunState.Queued, session.Summary.Reason).ConfigureAwait(false);
    }

    private void GoOnWhenThereIsSpace(RunSession session) => _ = Task.Run(async () =>
    {
        try
        {
            await disk.WaitForSpaceAsync(session, () => _draining).ConfigureAwait(false);
            if (session.State != RunState.Paused || _draining) return;
            await store.SetQueuedAsync(session.Id, clock.GetUtcNow(), resumeStep: 0).ConfigureAwait(false);
            await journal.ChangeStateAsync(session, RunState.Paused, RunState.Queued, "There is space on the disk again.").ConfigureAwait(false);
            Wake();
        }
        catch (Exception error)
        {
            LogFailed(session.Summary.Name, error);
        }
    });

    private async Task DrainAsync()
    {
        _draining = true;
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

    [LoggerMessage(Level = LogLevel.Error, Message = "Run {Name} broke off")]
    private partial void LogFailed(string name, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Workers did not save within {Limit}: they are ended")]
    private partial void LogNotDrained(TimeSpan limit);
}
