using Grpc.Core;
using Lema.Protocol.V1;

namespace Lema.Cli.Tests.Fakes;

internal sealed class FakeModels : Models.ModelsBase
{
    public ListModelsResponse List { get; set; } = new() { Models = { new Model { Name = "lema-tiny", Family = "llama", Parameters = 3_737_856, WeightBytes = 7_475_712, Dtype = "BF16", Layers = 4 } } };

    public override Task<ListModelsResponse> ListModels(ListModelsRequest request, ServerCallContext context) => Task.FromResult(List);

    /// <summary>What is told of a model beside its line in the list.</summary>
    public ModelDetail Detail { get; set; } = new();

    /// <summary>How far preparing has come, before it is done.</summary>
    public List<Progress> Preparation { get; } = [];

    public override Task<ModelDetail> InspectModel(InspectModelRequest request, ServerCallContext context) => Task.FromResult(new ModelDetail(Detail) { Model = List.Models[0] });

    public override Task<Model> AddModel(AddModelRequest request, ServerCallContext context) => Task.FromResult(List.Models[0]);

    public override async Task PrepareModel(PrepareModelRequest request, IServerStreamWriter<PrepareModelResponse> responseStream, ServerCallContext context)
    {
        foreach (Progress made in Preparation) await responseStream.WriteAsync(new PrepareModelResponse { Progress = made });
        await responseStream.WriteAsync(new PrepareModelResponse { Completed = List.Models[0] });
    }

    public override Task<DeleteModelResponse> DeleteModel(DeleteModelRequest request, ServerCallContext context) => Task.FromResult(new DeleteModelResponse());
}

internal sealed class FakeDatasets : Datasets.DatasetsBase
{
    public ListDatasetsResponse List { get; set; } = new();

    public ValidateDatasetResponse Validation { get; set; } = new() { Valid = true };

    public PreviewDatasetResponse Preview { get; set; } = new();

    public override Task<BuildDatasetResponse> BuildDataset(BuildDatasetRequest request, ServerCallContext context) =>
        Task.FromResult(new BuildDatasetResponse { Train = new Dataset { Name = request.Name }, Heldout = new Dataset { Name = $"{request.Name}-heldout" } });

    public override Task<SplitDatasetResponse> SplitDataset(SplitDatasetRequest request, ServerCallContext context) =>
        Task.FromResult(new SplitDatasetResponse { Train = new Dataset { Name = $"{request.Name}-train" }, Heldout = new Dataset { Name = $"{request.Name}-heldout" } });

    public override Task<DeleteDatasetResponse> DeleteDataset(DeleteDatasetRequest request, ServerCallContext context) => Task.FromResult(new DeleteDatasetResponse());

    public override Task<ListDatasetsResponse> ListDatasets(ListDatasetsRequest request, ServerCallContext context) => Task.FromResult(List);

    public override Task<ValidateDatasetResponse> ValidateDataset(ValidateDatasetRequest request, ServerCallContext context) => Task.FromResult(Validation);

    public override Task<PreviewDatasetResponse> PreviewDataset(PreviewDatasetRequest request, ServerCallContext context) => Task.FromResult(Preview);
}

internal sealed class FakeChat : Chat.ChatBase
{
    public List<ChatRequest> Requests { get; } = [];

    /// <summary>The reply to a message, as the deltas it comes in.</summary>
    public Func<ChatRequest, string, string[]> Reply { get; set; } = (_, message) => ["You said: ", message];

    public override async Task Chat(ChatRequest request, IServerStreamWriter<ChatResponse> responseStream, ServerCallContext context)
    {
        Requests.Add(request);
        for (int i = 0; i < request.Prompts.Count; i++)
        {
            string[] deltas = Reply(request, request.Prompts[i].Conversation.Messages[^1].Content);
            foreach (string delta in deltas) await responseStream.WriteAsync(new ChatResponse { Delta = new ChatDelta { Prompt = i, Text = delta, Tokens = 1 } });
            await responseStream.WriteAsync(new ChatResponse
            {
                Completion = new ChatCompletion
                {
                    Prompt = i,
                    Text = string.Concat(deltas),
                    FinishReason = FinishReason.End,
                    Reply = new ParsedReply { Valid = false, Problem = "the text does not begin with [LEMA_REPLY]" },
                    Statistics = new ChatStatistics { ReplyTokens = deltas.Length, TokensPerSecond = 20, TimeToFirstTokenSeconds = 0.1 },
                },
            });
        }
    }
}

internal sealed class FakeHost : Host.HostBase
{
    public HostInfo Info { get; set; } = new() { Version = "0.1.0", HostName = "gpu01", Role = Role.Admin, TokenName = "admin" };

    public DiagnoseResponse Diagnosis { get; set; } = new();

    public override Task<HostInfo> GetHostInfo(GetHostInfoRequest request, ServerCallContext context) => Task.FromResult(Info);

    public override Task<DiagnoseResponse> Diagnose(DiagnoseRequest request, ServerCallContext context) => Task.FromResult(Diagnosis);
}

internal sealed class FakeJobs : Evaluation.EvaluationBase
{
    public StartEvaluationRequest? Started { get; private set; }

    public EvaluationJob End { get; set; } = new() { Id = "e1", State = JobState.Completed, Result = new EvaluationResult { Questions = 2, ValidFormat = 2, RightAnswer = 1, Seconds = 1.5 } };

    public List<EvaluatedReply> Replies { get; } = [];

    public override Task<EvaluationJob> StartEvaluation(StartEvaluationRequest request, ServerCallContext context)
    {
        Started = request;
        return Task.FromResult(new EvaluationJob { Id = "e1", State = JobState.Running });
    }

    /// <summary>Watches that break before they tell anything.</summary>
    public int Breaks { get; set; }

    public override async Task WatchEvaluation(WatchEvaluationRequest request, IServerStreamWriter<WatchEvaluationResponse> responseStream, ServerCallContext context)
    {
        if (Breaks-- > 0) throw new RpcException(new Status(StatusCode.Unavailable, "gone"));
        WatchEvaluationResponse message = new() { Job = End };
        message.Replies.AddRange(Replies.Where(r => r.Index >= request.FirstReply));
        await responseStream.WriteAsync(message);
    }
}

internal sealed class FakeExports : Exports.ExportsBase
{
    public StartMergeRequest? Started { get; private set; }

    public Export End { get; set; } = new() { Id = "x1", State = JobState.Completed, Run = "first", Step = 150, Dtype = "float32", ModelName = "first-150", Bytes = 100, Seconds = 1, Folder = "/data/models/first-150" };

    public override Task<Export> StartMerge(StartMergeRequest request, ServerCallContext context)
    {
        Started = request;
        return Task.FromResult(new Export { Id = "x1", State = JobState.Queued });
    }

    /// <summary>Watches that break before they tell anything.</summary>
    public int Breaks { get; set; }

    public override Task WatchExport(WatchExportRequest request, IServerStreamWriter<Export> responseStream, ServerCallContext context) =>
        Breaks-- > 0 ? throw new RpcException(new Status(StatusCode.Unavailable, "gone")) : responseStream.WriteAsync(End);
}
