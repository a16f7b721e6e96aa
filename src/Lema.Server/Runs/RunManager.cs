using System.Globalization;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Errors;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Runs;

/// <summary>Starts runs, and takes them from state to state, as people say. Lives as long as the daemon.</summary>
internal sealed class RunManager(
    RunRequests requests, RunUses uses, RunDirectory directory, RunStore store, RunJournal journal, RunScheduler scheduler, RunQueue queue, RunsFeed feed, AdapterFinder adapters)
{
    private const int UniqueViolation = 19;

    /// <param name="owner">Name of the caller's token.</param>
    /// <exception cref="LemaException">Every problem of the request at once.</exception>
    public async Task<RunDetail> StartAsync(StartRunRequest request, string owner)
    {
        if (request.IdempotencyKey.Length > 0 && store.FindByKey(request.IdempotencyKey) is { } earlier) return earlier;
        RunDetail run = requests.Check(request, owner);
        try
        {
            await uses.AloneAsync(() =>
            {
                requests.CheckThere(run);
                return store.Database.WriteAsync((connection, transaction) =>
                {
                    RunStore.Insert(connection, transaction, run, request.IdempotencyKey.Length > 0 ? request.IdempotencyKey : null);
                    return true;
                });
            }).ConfigureAwait(false);
        }
        catch (SqliteException error) when (error.SqliteErrorCode == UniqueViolation)
        {
            if (request.IdempotencyKey.Length > 0 && store.FindByKey(request.IdempotencyKey) is { } other) return other;
            throw new ConflictException($"There is a run '{run.Summary.Name}' already. Choose another name.");
        }
        feed.Changed(run.Summary);
        queue.Wake();
        return directory.Get(run.Summary.Id).Detail;
    }

    public async Task<RunDetail> PauseAsync(string idOrName)
    {
        RunSession session = directory.Get(idOrName);
        await ChangeAsync(session, state => state switch
        {
            RunState.Queued or RunState.Interrupted => RunState.Paused,
            RunState.Preparing or RunState.Running => RunState.Pausing,
            _ => null,
        }, "paused").ConfigureAwait(false);
        if (scheduler.Running(session.Id) is { } execution) _ = execution.StopAsync(discard: false);
        return session.Detail;
    }

    public async Task<RunDetail> StopAsync(string idOrName, bool discard)
    {
        RunSession session = directory.Get(idOrName);
        await ChangeAsync(session, state => state switch
        {
            RunState.Queued or RunState.Paused or RunState.Interrupted => RunState.Stopped,
            RunState.Preparing or RunState.Running or RunState.Pausing => RunState.Stopping,
            RunState.Stopping when discard => RunState.Stopping,
            _ => null,
        }, "stopped").ConfigureAwait(false);
        if (scheduler.Running(session.Id) is { } execution) _ = execution.StopAsync(discard);
        return session.Detail;
    }

    public async Task<RunDetail> ResumeAsync(string idOrName, long checkpointStep)
    {
        RunSession session = directory.Get(idOrName);
        if (checkpointStep != 0) adapters.Checkpoint(session.Detail, checkpointStep.ToString(CultureInfo.InvariantCulture));
        await ChangeAsync(session, state => state is RunState.Paused or RunState.Interrupted or RunState.Stopped or RunState.Failed ? RunState.Queued : null, "resumed",
            from => queue.ResumeAsync(session, from, checkpointStep)).ConfigureAwait(false);
        return session.Detail;
    }

    /// <summary>Moves a run on from whatever state it is in; the state may change in the same moment, then it is looked at again.</summary>
    /// <param name="move">How, from a state; null: the change of state is all.</param>
    private async Task ChangeAsync(RunSession session, Func<RunState, RunState?> choose, string done, Func<RunState, Task>? move = null)
    {
        while (true)
        {
            RunSummary run = session.Summary;
            if (choose(run.State) is not { } next) throw new ConflictException($"Run '{run.Name}' is {RunStates.Word(run.State)}: it cannot be {done}.");
            if (next == run.State) return;
            try
            {
                await (move is not null ? move(run.State) : journal.ChangeStateAsync(session, run.State, next)).ConfigureAwait(false);
                return;
            }
            catch (ConflictException) when (session.State != run.State)
            {
            }
        }
    }
}
