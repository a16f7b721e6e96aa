using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Server.Errors;

namespace Lema.Server.Workers;

/// <summary>The worker's side of the socket: thin over its <see cref="JobHost"/>. Made for each call.</summary>
internal sealed class WorkerService(JobHost host) : Worker.WorkerBase
{
    public override async Task Execute(WorkerJob request, IServerStreamWriter<WorkerEvent> responseStream, ServerCallContext context)
    {
        try
        {
            await foreach (WorkerEvent next in host.ExecuteAsync(request, context.CancellationToken)) await responseStream.WriteAsync(next);
        }
        catch (Exception error) when (LemaStatus.From(error) is { } status)
        {
            throw status;
        }
    }

    public override Task<StopJobResponse> StopJob(StopJobRequest request, ServerCallContext context)
    {
        host.StopJob(request.Discard);
        return Task.FromResult(new StopJobResponse());
    }

    public override Task<PingResponse> Ping(PingRequest request, ServerCallContext context) =>
        Task.FromResult(new PingResponse { RssBytes = Environment.WorkingSet, Heartbeat = host.Heartbeat });

    public override async Task GenerateReplies(GenerateRepliesRequest request, IServerStreamWriter<ChatResponse> responseStream, ServerCallContext context)
    {
        try
        {
            await foreach (ChatResponse next in host.GenerateAsync(request, context.CancellationToken)) await responseStream.WriteAsync(next);
        }
        catch (OperationCanceledException ended) when (!context.CancellationToken.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, ended.Message));
        }
        catch (Exception error) when (LemaStatus.From(error) is { } status)
        {
            throw status;
        }
    }
}
