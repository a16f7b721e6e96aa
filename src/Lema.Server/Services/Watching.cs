using Grpc.Core;
using Lema.Server.Security;

namespace Lema.Server.Services;

/// <summary>What every watch call needs: a place among the watchers, an end when the daemon ends, and a limit to how long one message may take. Lives as long as the daemon.</summary>
internal sealed class Watching(WatchLimits limits, PatientWriter writer, IHostApplicationLifetime lifetime)
{
    public async Task RunAsync<T>(ServerCallContext context, IServerStreamWriter<T> stream, Func<Func<T, Task>, CancellationToken, Task> watch)
    {
        using IDisposable place = limits.Enter(Principal.Of(context));
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        // Told at once that it is connected, also when there is nothing to say yet.
        await context.WriteResponseHeadersAsync([]);
        await watch(message => writer.WriteAsync(stream, message, end.Token), end.Token);
    }

    /// <summary>A number from 0 to below 1 that differs from connection to connection.</summary>
    public static double PhaseOf(ServerCallContext context) => (uint)context.GetHttpContext().Connection.Id.GetHashCode(StringComparison.Ordinal) / (uint.MaxValue + 1.0);
}
