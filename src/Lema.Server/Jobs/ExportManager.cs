using Google.Protobuf.WellKnownTypes;
using Lema.Engine.Errors;
using Lema.Engine.Storage;
using Lema.Protocol.V1;
using Lema.Server.Models;
using Lema.Server.Runs;
using Lema.Server.Storage;
using Lema.Server.Workers;

namespace Lema.Server.Jobs;

/// <summary>Merges of adapters into their base models. Lives as long as the daemon.</summary>
internal sealed class ExportManager(
    JobStore<Export> store, RunDirectory runs, AdapterFinder adapters, ModelRegistry models, DataFolder data, WorkerJobs workers, MergeEnds ends, TimeProvider clock) : IHostedService
{
    private static readonly string[] Dtypes = ["base", "float32"];

    private readonly SingleStart<Export> _starts = new(store.FindByKey);
    private readonly LiveJobs<Export> _live = new(ends);

    /// <summary>What the last daemon left: a merge is atomic, so its model is there whole, or nothing is.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (Export export in store.Unfinished())
        {
            ModelRecord? known = models.Find(export.ModelName);
            bool isThere = Directory.Exists(FolderOf(export.ModelName)) && known is null or { Origin: ModelOrigin.Merged };
            if (models.IsFree(export.ModelName)) models.Reserve(export.ModelName);
            await _live.EndAsync(export.Id, isThere ? CompletedUncompared(export, "the daemon went down.") : Ended(export, JobState.Failed, "The daemon went down. Start the export again.")).ConfigureAwait(false);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => _live.CancelAllAsync();

    public Task<Export> StartMergeAsync(StartMergeRequest request) => _starts.StartAsync(request.IdempotencyKey, () => StartNewAsync(request));

    private async Task<Export> StartNewAsync(StartMergeRequest request)
    {
        string dtype = request.Dtype.Length > 0 ? request.Dtype : "base";
        if (!Dtypes.Contains(dtype)) throw new InvalidInputException("request", "dtype", $"'{dtype}' is not one of {string.Join(", ", Dtypes)}.");
        RunDetail run = runs.Get(request.Run).Detail;
        (long step, string adapter) = adapters.Checkpoint(run, request.Checkpoint);
        string name = request.ModelName.Length > 0 ? ResourceNames.Check("model_name", request.ModelName) : FreeName($"{run.Summary.Name}-step{step}");
        // From the model as it was registered: its files, not the layer-ordered copy's, are what the merged folder takes over.
        string modelFolder = models.Get(run.Summary.Model).Folder;
        MergeJob job = new() { ModelFolder = modelFolder, AdapterFolder = adapter, OutputFolder = FolderOf(name), Dtype = dtype };
        if (request.Check) job.CheckWeightBytes = JobMemory.WeightsForMergeCheck(ModelDescription.Read(modelFolder).Units());
        DateTimeOffset now = clock.GetUtcNow();
        Export export = new()
        {
            Id = NewId.At(now), Run = run.Summary.Id, Step = step, Dtype = dtype, ModelName = name, State = JobState.Running, Created = Timestamp.FromDateTimeOffset(now),
            Progress = new Progress { Phase = "starting" }, Check = request.Check,
        };
        models.Reserve(name);
        try
        {
            // No model's, or its name would be taken: what could not be removed once.
            Folders.DeleteIfThere(job.OutputFolder);
            await store.InsertAsync(export.Id, export.Run, export.State, request.IdempotencyKey, export).ConfigureAwait(false);
        }
        catch
        {
            models.Release(name);
            throw;
        }
        _live.Start(export.Id, export, (state, stop) => MergeAsync(job, state, stop));
        return export;
    }

    /// <exception cref="NotFoundException">There is no such export.</exception>
    public Export Get(string id) => _live.Find(id)?.Value ?? store.Find(id) ?? throw new NotFoundException("export", id, "`lema-remote merge` starts one.");

    /// <summary>The live state; null when the end of the export is written down.</summary>
    public Watched<Export>? Live(string id) => _live.Find(id);

    public IReadOnlyList<Export> List(string run) => [.. store.List(run.Length > 0 ? runs.Get(run).Id : "").Select(export => _live.Find(export.Id)?.Value ?? export)];

    public async Task<Export> CancelAsync(string id)
    {
        Get(id);
        await _live.CancelAsync(id).ConfigureAwait(false);
        return Get(id);
    }

    private async Task<Export> MergeAsync(MergeJob job, Watched<Export> state, CancellationToken stop)
    {
        try
        {
            JobCompleted completed = await workers.RunAsync($"merge {state.Value.ModelName}", new WorkerJob { Merge = job }, JobMemory.ForCopy() + job.CheckWeightBytes, next =>
            {
                if (next.KindCase == WorkerEvent.KindOneofCase.Progress) state.Set(With(state.Value, export => export.Progress = next.Progress));
                return Task.CompletedTask;
            }, stop).ConfigureAwait(false);
            Export merged = Completed(state.Value);
            return completed.HasMaxLogitDifference ? With(merged, export => export.MaxLogitDifference = completed.MaxLogitDifference) : merged;
        }
        catch (Exception error)
        {
            bool cancelled = stop.IsCancellationRequested;
            if (!cancelled && Directory.Exists(job.OutputFolder)) return CompletedUncompared(state.Value, WorkerFailure.From(error).Message);
            CleanUp(job);
            return Ended(state.Value, cancelled ? JobState.Cancelled : JobState.Failed, cancelled ? "Cancelled." : WorkerFailure.From(error).Message);
        }
    }

    /// <summary>A worker that was killed cleaned nothing up. What a disk refuses to remove does not keep the export from ending.</summary>
    private static void CleanUp(MergeJob job)
    {
        try
        {
            AtomicFolder.RemoveLeftoverOf(job.OutputFolder);
            Folders.DeleteIfThere(job.OutputFolder);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
        }
    }

    private string FolderOf(string modelName) => Path.Combine(data.Models, modelName);

    private Export Completed(Export export) => With(Ended(export, JobState.Completed, ""), e =>
    {
        e.Folder = FolderOf(e.ModelName);
        e.Bytes = BytesOf(e.Folder);
        e.Seconds = (e.Ended - e.Created).ToTimeSpan().TotalSeconds;
    });

    /// <summary>The model is there whole and not made for nothing: at most the comparison is missing, where it was asked for.</summary>
    private Export CompletedUncompared(Export export, string why) => With(Completed(export), e => e.Error = e.Check ? $"Merged, but not compared: {why}" : "");

    /// <summary>0 where the disk does not say: the model is there all the same.</summary>
    private static long BytesOf(string folder)
    {
        try
        {
            return Folders.Files(folder).Sum(file => file.File.Length);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private Export Ended(Export export, JobState end, string error) => With(export, e =>
    {
        e.State = end;
        e.Error = error;
        e.Ended = Timestamp.FromDateTimeOffset(clock.GetUtcNow());
    });

    private string FreeName(string wanted)
    {
        string name = wanted;
        for (int i = 2; !models.IsFree(name); i++) name = $"{wanted}-{i}";
        return name;
    }

    private static Export With(Export export, Action<Export> change)
    {
        Export copy = export.Clone();
        change(copy);
        return copy;
    }
}
