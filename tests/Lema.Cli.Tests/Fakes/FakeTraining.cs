using System.Threading.Channels;
using Grpc.Core;
using Lema.Protocol.V1;

namespace Lema.Cli.Tests.Fakes;

internal sealed class FakeTraining : Training.TrainingBase
{
    private readonly Queue<Func<WatchRunRequest, IServerStreamWriter<WatchRunResponse>, CancellationToken, Task>> _watches = new();

    public RunDetail Run { get; set; } = new() { Summary = new RunSummary { Id = "01", Name = "first", State = RunState.Completed } };

    public List<RunDetail> Others { get; } = [];

    public ListRunsResponse List { get; set; } = new();

    public Estimate Estimate { get; set; } = new() { Fits = true };

    public GetMetricsResponse Metrics { get; set; } = new();

    public StartRunRequest? Started { get; private set; }

    public Channel<StopRunRequest> Stops { get; } = Channel.CreateUnbounded<StopRunRequest>();

    public List<WatchRunRequest> Watches { get; } = [];

    /// <summary>What the next watch call sends, and how it ends.</summary>
    public void OnWatch(Func<WatchRunRequest, IServerStreamWriter<WatchRunResponse>, CancellationToken, Task> watch) => _watches.Enqueue(watch);

    /// <summary>What is wrong with every run and estimate; null: nothing.</summary>
    public RpcException? Refusal { get; set; }

    public override Task<RunDetail> StartRun(StartRunRequest request, ServerCallContext context)
    {
        if (Refusal is not null) throw Refusal;
        Started = request;
        return Task.FromResult(Run);
    }

    public override Task<RunDetail> CheckRun(StartRunRequest request, ServerCallContext context) => Refusal is null ? Task.FromResult(Run) : throw Refusal;

    public override Task<RunDetail> GetRun(GetRunRequest request, ServerCallContext context) =>
        Task.FromResult(Others.Prepend(Run).FirstOrDefault(r => r.Summary.Name == request.Run || r.Summary.Id == request.Run)
            ?? throw new RpcException(new Status(StatusCode.NotFound, $"Run '{request.Run}' was not found.")));

    public override Task<ListRunsResponse> ListRuns(ListRunsRequest request, ServerCallContext context) => Task.FromResult(List);

    public override Task<Estimate> EstimateRun(EstimateRunRequest request, ServerCallContext context) => Refusal is null ? Task.FromResult(Estimate) : throw Refusal;

    public override Task<GetMetricsResponse> GetMetrics(GetMetricsRequest request, ServerCallContext context) => Task.FromResult(Metrics);

    public override Task<RunDetail> StopRun(StopRunRequest request, ServerCallContext context)
    {
        Stops.Writer.TryWrite(request);
        return Task.FromResult(Run);
    }

    public override Task<RunDetail> PauseRun(PauseRunRequest request, ServerCallContext context) => Task.FromResult(Run);

    public override Task<RunDetail> ResumeRun(ResumeRunRequest request, ServerCallContext context) => Task.FromResult(Run);

    public override Task<DeleteRunResponse> DeleteRun(DeleteRunRequest request, ServerCallContext context) => Task.FromResult(new DeleteRunResponse());

    public override Task WatchRun(WatchRunRequest request, IServerStreamWriter<WatchRunResponse> responseStream, ServerCallContext context)
    {
        Watches.Add(request);
        return _watches.Dequeue()(request, responseStream, context.CancellationToken);
    }
}
