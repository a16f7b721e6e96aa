using Grpc.Core;
using Lema.Engine.Errors;
using Lema.Engine.Storage;
using Lema.Protocol.V1;
using Lema.Server.Artifacts;
using Lema.Server.Errors;
using Lema.Server.Jobs;
using Lema.Server.Models;
using Lema.Server.Runs;
using Lema.Server.Security;
using Lema.Server.Storage;

namespace Lema.Server.Services;

/// <summary>Base models, for clients. Made for each call.</summary>
internal sealed class ModelsService(ModelRegistry models, RunUses uses, WorkerJobs workers, PreparationLocks locks, PatientWriter writer) : Protocol.V1.Models.ModelsBase
{
    private static readonly string[] Dtypes = ["base", "fp16"];

    public override Task<ListModelsResponse> ListModels(ListModelsRequest request, ServerCallContext context)
    {
        ListModelsResponse response = new();
        response.Models.AddRange(models.List().Select(Describe));
        return Task.FromResult(response);
    }

    public override async Task<Model> AddModel(AddModelRequest request, ServerCallContext context) => Describe(await models.AddAsync(request.Name, request.Folder));

    public override Task<ModelDetail> InspectModel(InspectModelRequest request, ServerCallContext context)
    {
        ModelRecord record = models.Get(request.Name);
        ModelDescription description = ModelDescription.Read(record.Folder);
        ModelDetail detail = new()
        {
            Model = Describe(record),
            ConfigJson = File.ReadAllText(Path.Combine(record.Folder, "config.json")),
            HasChatTemplate = ModelFiles.HasChatTemplate(record.Folder),
            Folder = Principal.Of(context).Role == Role.Admin ? record.Folder : "",
        };
        detail.Units.AddRange(description.DescribeUnits());
        detail.Files.AddRange(ArtifactFiles.List(record.Folder));
        detail.LinearModules.AddRange(description.LinearModules());
        return Task.FromResult(detail);
    }

    public override async Task PrepareModel(PrepareModelRequest request, IServerStreamWriter<PrepareModelResponse> responseStream, ServerCallContext context)
    {
        ModelRecord record = models.Get(request.Name);
        string dtype = request.Dtype.Length > 0 ? request.Dtype : "base";
        if (!Dtypes.Contains(dtype)) throw new InvalidInputException("request", "dtype", $"'{dtype}' is not one of {string.Join(", ", Dtypes)}.");
        using IDisposable held = locks.Hold(request.Name);
        string output = models.PreparedFolder(request.Name);
        if (request.Force)
        {
            CheckUnused(request.Name, "prepared again");
            Folders.DeleteIfThere(output);
        }
        PrepareJob job = new() { ModelFolder = record.Folder, OutputFolder = output, Dtype = dtype };
        try
        {
            await workers.RunAsync($"prepare {request.Name}", new WorkerJob { Prepare = job }, JobMemory.ForCopy(),
                next => next.KindCase == WorkerEvent.KindOneofCase.Progress ? writer.WriteAsync(responseStream, new PrepareModelResponse { Progress = next.Progress }, context.CancellationToken) : Task.CompletedTask,
                context.CancellationToken);
        }
        finally
        {
            // A worker that was killed cleaned nothing up.
            AtomicFolder.RemoveLeftoverOf(output);
        }
        await writer.WriteAsync(responseStream, new PrepareModelResponse { Completed = Describe(record) }, context.CancellationToken);
    }

    public override async Task<DeleteModelResponse> DeleteModel(DeleteModelRequest request, ServerCallContext context)
    {
        models.Get(request.Name);
        return await uses.AloneAsync(async () =>
        {
            CheckUnused(request.Name, "deleted");
            await models.DeleteAsync(request.Name);
            return new DeleteModelResponse();
        });
    }

    private void CheckUnused(string name, string done) => uses.Check($"Model '{name}'", done, run => run.Summary.Model == name);

    private Model Describe(ModelRecord record) => ModelDescription.Summarize(record, models.IsPrepared(record.Name));
}
