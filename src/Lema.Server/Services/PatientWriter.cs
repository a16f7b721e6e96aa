using Grpc.Core;

namespace Lema.Server.Services;

/// <summary>Sends messages to a client, with a limit to how long one may take: behind a client that stops reading, somebody waits. Lives as long as the daemon.</summary>
internal sealed class PatientWriter(TimeProvider clock)
{
    /// <summary>A client that does not take a message within this time is stuck: its stream ends, and it can call again.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public async Task WriteAsync<T>(IServerStreamWriter<T> stream, T message, CancellationToken stop)
    {
        using CancellationTokenSource late = new(Limit, clock);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        try
        {
            await stream.WriteAsync(message, either.Token);
        }
        catch (Exception error) when (error is OperationCanceledException or IOException && late.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            // The transport has reset the stream: a client that does not read cannot be told a status either, and sees CANCELLED or INTERNAL.
            throw new RpcException(new Status(StatusCode.Aborted, $"A message was not taken within {Limit.TotalSeconds} seconds."));
        }
    }
}
