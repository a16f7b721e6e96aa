using System.Runtime.CompilerServices;
using Grpc.Core;

namespace Lema.Server.Services;

/// <summary>
/// Reads messages of a client, with a limit to how long one may take: one that lives and sends nothing answers every ping, and its call, with what that holds, would be
/// open for ever. Lives as long as the daemon.
/// </summary>
internal sealed class PatientReader(TimeProvider clock)
{
    /// <summary>A client that has not sent a message whole within this time is stuck: its call ends. Longer than clients of this project wait for a line on which nothing moves.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <param name="remedy">What the client can do, a sentence.</param>
    /// <exception cref="RpcException">A message took longer; or the client left.</exception>
    public async IAsyncEnumerable<T> ReadAllAsync<T>(IAsyncStreamReader<T> stream, string remedy, [EnumeratorCancellation] CancellationToken stop)
    {
        while (await MoveNextAsync(stream, remedy, stop)) yield return stream.Current;
    }

    /// <inheritdoc cref="ReadAllAsync"/>
    /// <returns>False: the client has sent its last.</returns>
    public async Task<bool> MoveNextAsync<T>(IAsyncStreamReader<T> stream, string remedy, CancellationToken stop)
    {
        using CancellationTokenSource late = new(Limit, clock);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        try
        {
            return await stream.MoveNext(either.Token);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.DeadlineExceeded, $"The next message did not arrive within {Limit.TotalSeconds:0} seconds. {remedy}"));
        }
    }
}
