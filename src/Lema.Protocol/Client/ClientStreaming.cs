using Grpc.Core;

namespace Lema.Protocol.Client;

/// <summary>
/// Sending on a call that the daemon may end before all is sent, because it refuses what comes. A write that meets that end can fail in several ways or never return, so none is
/// waited for without the response beside it.
/// </summary>
public static class ClientStreaming
{
    /// <summary>Sends a message. False: the call has ended, and its response says why.</summary>
    public static Task<bool> TrySendAsync<TRequest, TResponse>(this AsyncClientStreamingCall<TRequest, TResponse> call, TRequest message, CancellationToken stop = default) =>
        WasDoneAsync(call, () => call.RequestStream.WriteAsync(message, stop), stop);

    /// <summary>Says that everything has been sent, unless the call has ended, and returns the response.</summary>
    /// <exception cref="RpcException">The daemon refused, or the line broke.</exception>
    public static async Task<TResponse> CompleteAsync<TRequest, TResponse>(this AsyncClientStreamingCall<TRequest, TResponse> call)
    {
        await WasDoneAsync(call, call.RequestStream.CompleteAsync);
        return await call.ResponseAsync;
    }

    private static async Task<bool> WasDoneAsync<TRequest, TResponse>(AsyncClientStreamingCall<TRequest, TResponse> call, Func<Task> write, CancellationToken stop = default)
    {
        if (call.ResponseAsync.IsCompleted) return false;
        try
        {
            Task written = write();
            if (await Task.WhenAny(written, call.ResponseAsync) != written) return false;
            await written;
            return true;
        }
        // A write that the end of the call cut off says "cancelled", whatever the daemon said.
        catch (Exception error) when (error is InvalidOperationException or IOException || (error is RpcException && !stop.IsCancellationRequested))
        {
            return false;
        }
    }
}
