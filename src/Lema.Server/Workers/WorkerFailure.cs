using Grpc.Core;
using Lema.Server.Errors;

namespace Lema.Server.Workers;

/// <summary>How a job that did not end well is to be treated.</summary>
/// <param name="Status">For whoever asked for the job.</param>
/// <param name="WorkerLost">The worker went down: the same job may succeed when it is tried again.</param>
internal sealed record WorkerFailure(RpcException Status, bool WorkerLost)
{
    public string Message => Status.Status.Detail;

    public static WorkerFailure From(Exception error) => error switch
    {
        WorkerDiedException died => new(new RpcException(new Status(StatusCode.Aborted, died.Message)), WorkerLost: true),
        WorkerHungException hung => new(new RpcException(new Status(StatusCode.Aborted, hung.Message)), WorkerLost: true),
        RpcException { StatusCode: StatusCode.Unavailable or StatusCode.Cancelled or StatusCode.DeadlineExceeded } lost => new(lost, WorkerLost: true),
        RpcException told => new(told, WorkerLost: false),
        OperationCanceledException => new(new RpcException(new Status(StatusCode.Aborted, "The engine worker was ended.")), WorkerLost: true),
        _ when LemaStatus.From(error) is { } status => new(status, WorkerLost: false),
        _ => new(new RpcException(new Status(StatusCode.Internal, $"The engine worker failed: {error.Message}")), WorkerLost: false),
    };
}
