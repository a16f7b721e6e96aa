using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lema.Protocol.V1;

namespace Lema.Web.Tests.Fakes;

internal sealed class FakeTraining(FakeDaemon daemon) : Training.TrainingBase
{
    public override Task<RunDetail> GetRun(GetRunRequest request, ServerCallContext context) => Task.FromResult(Find(request.Run).Detail.Clone());

    public override Task<ListRunsResponse> ListRuns(ListRunsRequest request, ServerCallContext context) =>
        Task.FromResult(new ListRunsResponse { Runs = { daemon.Runs.Values.Select(run => run.Summary) } });

    public override async Task WatchRun(WatchRunRequest request, IServerStreamWriter<WatchRunResponse> stream, ServerCallContext context)
    {
        FakeRun run = Find(request.Run);
        Interlocked.Increment(ref daemon.OpenRunWatches);
        try
        {
            await foreach (WatchRunResponse response in run.WatchAsync(request, context.CancellationToken)) await stream.WriteAsync(response);
        }
        finally
        {
            Interlocked.Decrement(ref daemon.OpenRunWatches);
        }
    }

    public override async Task WatchRuns(WatchRunsRequest request, IServerStreamWriter<WatchRunsResponse> stream, ServerCallContext context)
    {
        await stream.WriteAsync(new WatchRunsResponse { Snapshot = new RunsSnapshot { Runs = { daemon.Runs.Values.Select(run => run.Summary) } } });
        using PeriodicTimer timer = new(TimeSpan.FromSeconds(0.3));
        while (await timer.WaitForNextTickAsync(context.CancellationToken))
        {
            await stream.WriteAsync(new WatchRunsResponse { Changed = new RunsChanged { Runs = { daemon.Runs.Values.Select(run => run.Summary) } } });
        }
    }

    public override Task<GetMetricsResponse> GetMetrics(GetMetricsRequest request, ServerCallContext context) =>
        Task.FromResult(new GetMetricsResponse { Series = { Find(request.Run).Curves(request.FromStep, request.ToStep == 0 ? long.MaxValue : request.ToStep, request.MaxPoints) } });

    public override Task<RunDetail> PauseRun(PauseRunRequest request, ServerCallContext context)
    {
        FakeRun run = Find(request.Run);
        run.Enter(RunState.Paused);
        return Task.FromResult(run.Detail.Clone());
    }

    public override Task<RunDetail> ResumeRun(ResumeRunRequest request, ServerCallContext context)
    {
        FakeRun run = Find(request.Run);
        run.Enter(RunState.Running);
        return Task.FromResult(run.Detail.Clone());
    }

    public override Task<RunDetail> StartRun(StartRunRequest request, ServerCallContext context)
    {
        daemon.Started.Add(request);
        FakeRun run = new($"run-{daemon.Runs.Count + 1}", request.Name.Length > 0 ? request.Name : $"run {daemon.Runs.Count + 1}", request.Settings.Steps);
        daemon.Runs[run.Detail.Summary.Id] = run;
        return Task.FromResult(run.Detail.Clone());
    }

    public override Task<Estimate> EstimateRun(EstimateRunRequest request, ServerCallContext context) =>
        daemon.Estimating?.Invoke() ?? Task.FromResult(daemon.Estimate);

    public override Task<ListRepliesResponse> ListReplies(ListRepliesRequest request, ServerCallContext context) =>
        Task.FromResult(new ListRepliesResponse { Step = 50, Steps = { 50 }, Replies = { Find(request.Run).Replies } });

    private FakeRun Find(string run) =>
        daemon.Runs.TryGetValue(run, out FakeRun? found) ? found : throw new RpcException(new Status(StatusCode.NotFound, $"There is no run {run}."));
}

internal sealed class FakeHost : Host.HostBase
{
    public override Task<HostInfo> GetHostInfo(GetHostInfoRequest request, ServerCallContext context) => Task.FromResult(new HostInfo
    {
        Version = "0.1.0", HostName = "fake", OperatingSystem = "Linux", Processor = "Test", ProcessorCount = 2, MemoryBytes = 8L << 30, MemoryAvailableBytes = 6L << 30,
        DiskFreeBytes = 50L << 30, Role = Role.Admin, TokenName = "admin", Started = Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow.AddHours(-1)),
    });
}

internal sealed class FakeChat(FakeDaemon daemon) : Chat.ChatBase
{
    public override async Task Chat(ChatRequest request, IServerStreamWriter<ChatResponse> stream, ServerCallContext context)
    {
        IReadOnlyList<string> pieces = daemon.Reply(request);
        foreach (string piece in pieces) await stream.WriteAsync(new ChatResponse { Delta = new ChatDelta { Text = piece, Tokens = 1 } });
        try
        {
            await daemon.RepliesEnd.WaitAsync(context.CancellationToken);
        }
        catch (OperationCanceledException)
        {
            daemon.ReplyLeft.TrySetResult();
            throw;
        }
        string text = string.Concat(pieces);
        bool valid = text.StartsWith("[LEMA_REPLY]", StringComparison.Ordinal);
        await stream.WriteAsync(new ChatResponse
        {
            Completion = new ChatCompletion
            {
                Text = text, FinishReason = FinishReason.End,
                Reply = valid
                    ? new ParsedReply { Valid = true, Answer = "Nairobi", Explanation = "Nairobi is the capital of Kenya.", Confidence = "High" }
                    : new ParsedReply { Problem = "The text does not begin with [LEMA_REPLY]." },
                Statistics = new ChatStatistics { PromptTokens = 24, ReplyTokens = pieces.Count, TokensPerSecond = 84.2, TimeToFirstTokenSeconds = 0.08, Seconds = 0.4, Seed = 7 },
            },
        });
    }
}

internal sealed class FakeModels(FakeDaemon daemon) : Models.ModelsBase
{
    public override Task<ListModelsResponse> ListModels(ListModelsRequest request, ServerCallContext context) =>
        Task.FromResult(new ListModelsResponse { Models = { daemon.Models } });

    public override Task<ModelDetail> InspectModel(InspectModelRequest request, ServerCallContext context) => Task.FromResult(new ModelDetail
    {
        Model = daemon.Models.Find(model => model.Name == request.Name) ?? throw new RpcException(new Status(StatusCode.NotFound, $"There is no model {request.Name}.")),
        LinearModules = { "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj" },
    });
}

internal sealed class FakeExports(FakeDaemon daemon) : Exports.ExportsBase
{
    public override Task<Export> StartMerge(StartMergeRequest request, ServerCallContext context)
    {
        Export export = new() { Id = $"export-{daemon.Exports.Count + 1}", Run = request.Run, Step = long.Parse(request.Checkpoint, System.Globalization.CultureInfo.InvariantCulture), Dtype = request.Dtype, ModelName = request.ModelName, State = JobState.Running };
        daemon.Exports.Add(export);
        return Task.FromResult(export);
    }

    public override Task<ListExportsResponse> ListExports(ListExportsRequest request, ServerCallContext context) =>
        Task.FromResult(new ListExportsResponse { Exports = { daemon.Exports.Where(export => export.Run == request.Run) } });

    public override async Task WatchExport(WatchExportRequest request, IServerStreamWriter<Export> stream, ServerCallContext context)
    {
        Export export = daemon.Exports.Find(one => one.Id == request.Id) ?? throw new RpcException(new Status(StatusCode.NotFound, $"There is no merge {request.Id}."));
        await stream.WriteAsync(export);
        export.State = JobState.Completed;
        export.Seconds = 1.5;
        await stream.WriteAsync(export);
    }
}

internal sealed class FakeDatasets(FakeDaemon daemon) : Datasets.DatasetsBase
{
    public override Task<ListDatasetsResponse> ListDatasets(ListDatasetsRequest request, ServerCallContext context) =>
        Task.FromResult(new ListDatasetsResponse { Datasets = { daemon.Datasets } });

    public override Task<PreviewDatasetResponse> PreviewDataset(PreviewDatasetRequest request, ServerCallContext context) => Task.FromResult(new PreviewDatasetResponse
    {
        TotalRows = 2,
        Rows =
        {
            new PreviewRow
            {
                Row = request.FirstRow,
                Tokens =
                {
                    new PreviewToken { Id = 1, Text = "Question: What is the capital of Kenya?\n" },
                    new PreviewToken { Id = 2, Text = "[LEMA_REPLY]", CarriesLoss = true },
                    new PreviewToken { Id = 3, Text = "<b>Nairobi</b>", CarriesLoss = true },
                },
            },
        },
    });
}

internal sealed class FakeTelemetry(FakeDaemon daemon) : Telemetry.TelemetryBase
{
    public override async Task WatchTelemetry(WatchTelemetryRequest request, IServerStreamWriter<WatchTelemetryResponse> stream, ServerCallContext context)
    {
        await stream.WriteAsync(new WatchTelemetryResponse { Snapshot = new TelemetrySnapshot { Samples = { daemon.Sample } } });
        using PeriodicTimer timer = new(TimeSpan.FromSeconds(Math.Max(0.25, request.IntervalSeconds)));
        while (await timer.WaitForNextTickAsync(context.CancellationToken)) await stream.WriteAsync(new WatchTelemetryResponse { Sample = daemon.Sample });
    }
}
