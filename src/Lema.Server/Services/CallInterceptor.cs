using Grpc.Core;
using Grpc.Core.Interceptors;
using Lema.Protocol.V1;
using Lema.Server.Errors;
using Lema.Server.Security;

namespace Lema.Server.Services;

/// <summary>
/// Around every call of a client: failures become statuses, calls that change something are put on record, and streams end when the daemon does. Made once.
/// </summary>
internal sealed partial class CallInterceptor(AuditLog audit, IHostApplicationLifetime lifetime, ILogger<CallInterceptor> logger) : Interceptor
{
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(context, AuditTarget.Of(request), () => continuation(request, context));

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(context, "", () => continuation(requestStream, context));

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(context, AuditTarget.Of(request), async () =>
        {
            await continuation(request, responseStream, context);
            return true;
        });

    private async Task<T> GuardAsync<T>(ServerCallContext context, string target, Func<Task<T>> call)
    {
        StatusCode result = StatusCode.OK;
        try
        {
            return await call();
        }
        catch (Exception error)
        {
            RpcException status = StatusOf(error, context);
            result = status.StatusCode;
            throw status;
        }
        finally
        {
            if (MethodRoles.Required(context.Method) is not Role.Viewer || result is StatusCode.PermissionDenied)
                audit.Write(Principal.Of(context).Name, context.Peer, context.Method, target, result.ToString());
        }
    }

    private RpcException StatusOf(Exception error, ServerCallContext context)
    {
        if (error is RpcException status) return status;
        if (LemaStatus.From(error) is { } known) return known;
        // A write to a caller that has left throws IOException.
        if (context.CancellationToken.IsCancellationRequested) return new RpcException(new Status(StatusCode.Cancelled, "The caller left."));
        if (lifetime.ApplicationStopping.IsCancellationRequested) return new RpcException(new Status(StatusCode.Unavailable, "The daemon is stopping."));
        LogFailed(context.Method, error);
        return new RpcException(new Status(StatusCode.Internal, "The daemon failed; its log says why."));
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} failed")]
    private partial void LogFailed(string method, Exception error);
}
