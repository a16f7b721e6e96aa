using Grpc.Core;
using Lema.Server.Security;

namespace Lema.Server.Services;

/// <summary>What every watch call needs: a place among the watchers, an end when the daemon ends, and a limit to how long one message may take. Lives as long as the daemon.</summary>
internal sealed class Watching(WatchLimits limits, IHostApplicationLifetime lifetime, TimeProvider clock)
{
    /// <summary>A client that does not take a message within this time is stuck: its stream ends, and it can come back with its last number.</summary>
    public static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(30);

    public async Task RunAsync<T>(ServerCallContext context, IServerStreamWriter<T> stream, Func<Func<T, Task>, CancellationToken, Task> watch)
    {
        using IDisposable place = limits.Enter(Principal.Of(context));
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        // Told at once that it is connected, also when there is nothing to say yet.
        await context.WriteResponseHeadersAsync([]);
        await watch(message => WriteAsync(stream, message, end.Token), end.Token);
    }

    /// <summary>A number from 0 to below 1 that differs from connection to connection.</summary>
    public static double PhaseOf(ServerCallContext context) => (uint)context.GetHttpContext().Connection.Id.GetHashCode(StringComparison.Ordinal) / (uint.MaxValue + 1.0);

    private async Task WriteAsync<T>(IServerStreamWriter<T> stream, T message, CancellationToken stop)
    {
        using CancellationTokenSource late = new(WriteLimit, clock);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        try
        {
            await stream.WriteAsync(message, either.Token);
        }
        catch (Exception error) when (error is OperationCanceledException or IOException && late.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            // The transport has reset the stream: a client that does not read cannot be told a status either, and sees CANCELLED or INTERNAL.
            throw new RpcException(new Status(StatusCode.Aborted, $"A message was not taken within {WriteLimit.TotalSeconds} seconds."));
        }
    }
}
