using Google.Protobuf.WellKnownTypes;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Datasets;
using Lema.Server.EngineJobs;
using Lema.Server.Jobs;
using Lema.Server.Models;
using Lema.Server.Storage;

namespace Lema.Server.Runs;

/// <summary>What is asked for of a run, checked and filled in. Lives as long as the daemon.</summary>
internal sealed class RunRequests(ModelRegistry models, DatasetRegistry datasets, DatasetInspection inspection, AdapterFinder adapters, MemoryLedger memory, TimeProvider clock)
{
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
        // Held-out rows that were deleted are no reason to refuse their dataset for good.
        string evaluation = request.EvaluationDataset.Length > 0 ? request.EvaluationDataset : datasets.Get(request.Dataset).Heldout is var heldout && datasets.Exists(heldout) ? heldout : "";
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

    /// <summary>What a run names may have been removed since it was checked.</summary>
    /// <exception cref="NotFoundException">It has been.</exception>
    public void CheckThere(RunDetail run)
    {
        models.Get(run.Summary.Model);
        datasets.Get(run.Summary.Dataset);
        if (run.EvaluationDataset.Length > 0) datasets.Get(run.EvaluationDataset);
        if (run.Settings.HasInitAdapter) adapters.Find(run.Settings.InitAdapter);
    }

    private ReplyFormat? ReplyFormatOf(StartRunRequest request, RunSettings settings) => settings.Data.ReplyFormat
        ?? inspection.Recognized(datasets.FileOf(request.Dataset), models.Get(request.Model).Folder, SettingsMapping.ToEngine(settings.Data));
}
