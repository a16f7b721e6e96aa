using System.Collections.Concurrent;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Hosting;
using Lema.Server.Jobs;
using Lema.Server.Storage;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Runs;

/// <summary>Starts queued runs, highest priority and longest waiting first, as memory allows, and ends them when the daemon goes. Lives as long as the daemon.</summary>
internal sealed partial class RunScheduler(
    RunDirectory directory, RunQueue queue, RunJournal journal, RunAttempts attempts, InterruptedRuns interrupted, RunJobs jobs, MemoryLedger memory, ChatManager chats, DaemonOptions options,
    TimeProvider clock, ILogger<RunScheduler> logger) : BackgroundService
{
    private readonly ConcurrentDictionary<string, (RunExecution Execution, Task Task)> _running = new();
    private readonly CancellationTokenSource _drain = new();

    public RunExecution? Running(string runId) => _running.TryGetValue(runId, out var entry) ? entry.Execution : null;

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        try
        {
            while (!await TryTakeUpAsync().ConfigureAwait(false)) await Task.Delay(RunDatabase.PauseAfterRefusal, clock, stopping).ConfigureAwait(false);
            while (true)
            {
                // Before the look: what is released while it is made counts.
                Task released = memory.NextRelease;
                await TryStartNextAsync(stopping).ConfigureAwait(false);
                using CancellationTokenSource waiting = CancellationTokenSource.CreateLinkedTokenSource(stopping);
                await Task.WhenAny(queue.NewsAsync(waiting.Token), released).ConfigureAwait(false);
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
            await interrupted.TakeUpAsync(_drain.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception error) when (error is SqliteException || FullDisk.IsWhy(error))
        {
            LogQueueFailed(RunDatabase.PauseAfterRefusal, error);
            return false;
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
            LogQueueFailed(RunDatabase.PauseAfterRefusal, error);
            await Task.Delay(RunDatabase.PauseAfterRefusal, clock, stopping).ConfigureAwait(false);
            queue.Wake();
        }
    }

    private async Task StartNextAsync()
    {
        foreach (string id in queue.Waiting)
        {
            if (_running.Count >= options.MaxTrainingRuns) return;
            if (_running.ContainsKey(id)) continue;
            RunSession session = directory.Get(id);
            try
            {
                TrainJob job = jobs.Create(session.Detail, queue.ResumeStep(id));
                // Strictly in order: a small run that overtakes would let a large one wait for ever.
                if (await ReserveAsync(session).ConfigureAwait(false) is not { } reservation) return;
                RunExecution execution = attempts.New(session, job, jobs.MemoryOf(session.Detail));
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
            await interrupted.AfterAttemptAsync(execution, _drain.Token).ConfigureAwait(false);
            _running.TryRemove(session.Id, out _);
            queue.Wake();
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

    [LoggerMessage(Level = LogLevel.Error, Message = "Run {Name} broke off")]
    private partial void LogFailed(string name, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Workers did not save within {Limit}: they are ended")]
    private partial void LogNotDrained(TimeSpan limit);
}
