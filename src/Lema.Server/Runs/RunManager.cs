using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Datasets;
using Lema.Server.EngineJobs;
using Lema.Server.Errors;
using Lema.Server.Jobs;
using Lema.Server.Models;
using Lema.Server.Storage;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Runs;

/// <summary>What people do to runs. Lives as long as the daemon.</summary>
internal sealed class RunManager(
    RunDirectory directory, RunStore store, RunJournal journal, RunScheduler scheduler, RunQueue queue, RunsFeed feed, ModelRegistry models, DatasetRegistry datasets, DatasetInspection inspection,
    AdapterFinder adapters, DataFolder data, MemoryLedger memory, TimeProvider clock)
{
    private const int UniqueViolation = 19;

    /// <param name="owner">Name of the caller's token.</param>
    /// <exception cref="LemaException">Every problem of the request at once.</exception>
    public async Task<RunDetail> StartAsync(StartRunRequest request, string owner)
    {
        if (request.IdempotencyKey.Length > 0 && store.FindByKey(request.IdempotencyKey) is { } earlier) return earlier;
        RunDetail run = Check(request, owner);
        try
        {
            await store.Database.WriteAsync((connection, transaction) =>
                RunStore.Insert(connection, transaction, run, request.IdempotencyKey.Length > 0 ? request.IdempotencyKey : null)).ConfigureAwait(false);
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

    public async Task DeleteAsync(string idOrName)
    {
        RunSession session = directory.Get(idOrName);
        // The database decides: somebody may resume the run in this very moment.
        if (!await store.DeleteAsync(session.Id, RunStates.Resting).ConfigureAwait(false))
        {
            RunSummary now = session.Summary;
            throw new ConflictException($"Run '{now.Name}' is {RunStates.Word(now.State)}. Stop it first.");
        }
        RunSummary run = session.Summary;
        directory.Forget(run.Id);
        feed.Removed(run.Id);
        Folders.DeleteIfThere(data.RunFolder(run.Id));
    }

    /// <summary>Fills in and checks settings for a model and a dataset; what is wrong with them is added to the problems.</summary>
    public RunSettings CheckSettings(RunSettings? given, string model, string dataset, RequestProblems problems)
    {
        ModelDescription? described = problems.Try("model", () => ModelDescription.Read(models.Get(model).Folder));
        problems.Try("dataset", () => datasets.Get(dataset));
        RunSettings settings = RunSettingsDefaults.Fill(given, described?.Architecture.MaxPositions ?? 0);
        problems.AddRange(RunSettingsCheck.Problems(settings));
        string? adapter = settings.HasInitAdapter ? problems.Try("initAdapter", () => adapters.Find(settings.InitAdapter)) : "";
        if (described is not null && !problems.IsWrong("lora")) problems.Try("lora", () => RunFit.CheckTargets(described, settings));
        if (problems.IsEmpty) RunFit.CheckMemory(described!, settings, adapter!, memory);
        return settings;
    }

    /// <summary>The run as it would be queued.</summary>
    /// <param name="owner">Name of the caller's token.</param>
    /// <exception cref="LemaException">Every problem of the request at once.</exception>
    public RunDetail Check(StartRunRequest request, string owner)
    {
        RequestProblems problems = new();
        DateTimeOffset now = clock.GetUtcNow();
        string id = NewId.At(now);
        string name = request.Name.Length > 0 ? request.Name : $"{request.Model}-{id[^6..]}";
        if (!ResourceNames.IsValid(name)) problems.Add(new InvalidInputException("request", "name", "use letters, digits, '.', '-' and '_', at most 100, beginning with a letter or digit."));
        RunSettings settings = CheckSettings(request.Settings, request.Model, request.Dataset, problems);
        if (request.EvaluationDataset.Length > 0) problems.Try("evaluationDataset", () => datasets.Get(request.EvaluationDataset));
        problems.ThrowIfAny();
        string evaluation = request.EvaluationDataset.Length > 0 ? request.EvaluationDataset : datasets.Get(request.Dataset).Heldout;
        return new RunDetail
        {
            Summary = new RunSummary
            {
                Id = id, Name = name, Model = request.Model, Dataset = request.Dataset, State = RunState.Queued, Priority = request.Priority,
                Created = Timestamp.FromDateTimeOffset(now), TotalSteps = settings.Steps,
            },
            Settings = settings, ReplyFormat = ReplyFormatOf(request, settings), EvaluationDataset = evaluation, Owner = owner, FirstSequence = 1, Totals = new RunTotals(),
        };
    }

    private ReplyFormat? ReplyFormatOf(StartRunRequest request, RunSettings settings) => settings.Data.ReplyFormat
        ?? inspection.Recognized(datasets.FileOf(request.Dataset), models.Get(request.Model).Folder, SettingsMapping.ToEngine(settings.Data));

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
