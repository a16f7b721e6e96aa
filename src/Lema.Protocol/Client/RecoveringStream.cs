using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Grpc.Core;
using Polly;
using Polly.Retry;

namespace Lema.Protocol.Client;

/// <summary>
/// Keeps a server stream alive over lost connections: it is opened again with growing pauses, and the pauses start small again with the first message
/// that arrives. Ends when the daemon ends the stream with OK; failures that trying again cannot mend are thrown.
/// </summary>
public static class RecoveringStream
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <param name="open">Makes the call anew; it is asked each time where to go on from.</param>
    /// <param name="accept">Sees every message as it arrives, on the same thread as <paramref name="open"/>, and says whether to hand it on.</param>
    /// <param name="stop">Leaves the stream.</param>
    public static IAsyncEnumerable<StreamUpdate<T>> Watch<T>(
        Func<CancellationToken, AsyncServerStreamingCall<T>> open, Func<T, bool>? accept = null, CancellationToken stop = default) =>
        Watch(open, accept ?? (_ => true), TimeProvider.System, stop);

    internal static async IAsyncEnumerable<StreamUpdate<T>> Watch<T>(
        Func<CancellationToken, AsyncServerStreamingCall<T>> open, Func<T, bool> accept, TimeProvider clock, [EnumeratorCancellation] CancellationToken stop)
    {
        Channel<StreamUpdate<T>> updates = Channel.CreateBounded<StreamUpdate<T>>(new BoundedChannelOptions(16) { SingleReader = true, SingleWriter = true });
        using CancellationTokenSource leaving = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task pump = PumpAsync(open, accept, updates.Writer, clock, leaving.Token);
        try
        {
            await foreach (StreamUpdate<T> update in updates.Reader.ReadAllAsync(stop).ConfigureAwait(false))
                yield return update;
        }
        finally
        {
            await leaving.CancelAsync().ConfigureAwait(false);
            await pump.ConfigureAwait(false);
        }
    }

    /// <summary>Never throws: how it ended goes through the channel.</summary>
    private static async Task PumpAsync<T>(
        Func<CancellationToken, AsyncServerStreamingCall<T>> open, Func<T, bool> accept, ChannelWriter<StreamUpdate<T>> updates, TimeProvider clock,
        CancellationToken stop)
    {
        try
        {
            ResiliencePipeline reconnect = ReconnectPipeline(updates, clock);
            RpcException? lost = null;
            while (true)
            {
                // One execution lasts until the first message, so that the pauses of the next begin small again.
                using AsyncServerStreamingCall<T>? call = await reconnect.ExecuteAsync(async token =>
                {
                    if (Interlocked.Exchange(ref lost, null) is { } previous) throw previous;
                    return await OpenToFirstMessageAsync(open, accept, updates, token).ConfigureAwait(false);
                }, stop).ConfigureAwait(false);
                if (call is null) break;
                try
                {
                    while (await call.ResponseStream.MoveNext(stop).ConfigureAwait(false))
                        await HandOnAsync(call.ResponseStream.Current, accept, updates, stop).ConfigureAwait(false);
                    break;
                }
                catch (RpcException error) when (Failure.IsTransient(error) && !stop.IsCancellationRequested)
                {
                    lost = error;
                }
            }
            updates.Complete();
        }
        catch (Exception error)
        {
            updates.Complete(stop.IsCancellationRequested ? new OperationCanceledException(stop) : error);
        }
    }

    /// <summary>Null when the daemon ended the stream before any message.</summary>
    private static async Task<AsyncServerStreamingCall<T>?> OpenToFirstMessageAsync<T>(
        Func<CancellationToken, AsyncServerStreamingCall<T>> open, Func<T, bool> accept, ChannelWriter<StreamUpdate<T>> updates, CancellationToken stop)
    {
        AsyncServerStreamingCall<T> call = open(stop);
        try
        {
            if (!await call.ResponseStream.MoveNext(stop).ConfigureAwait(false))
            {
                call.Dispose();
                return null;
            }
        }
        catch
        {
            call.Dispose();
            throw;
        }
        await HandOnAsync(call.ResponseStream.Current, accept, updates, stop).ConfigureAwait(false);
        return call;
    }

    private static ValueTask HandOnAsync<T>(T message, Func<T, bool> accept, ChannelWriter<StreamUpdate<T>> updates, CancellationToken stop) =>
        accept(message) ? updates.WriteAsync(new StreamUpdate<T>.Message(message), stop) : ValueTask.CompletedTask;

    private static ResiliencePipeline ReconnectPipeline<T>(ChannelWriter<StreamUpdate<T>> updates, TimeProvider clock) =>
        new ResiliencePipelineBuilder { TimeProvider = clock }.AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<RpcException>(Failure.IsTransient),
            MaxRetryAttempts = int.MaxValue,
            BackoffType = DelayBackoffType.Exponential,
            Delay = FirstPause,
            MaxDelay = LongestPause,
            UseJitter = true,
            OnRetry = retry => updates.WriteAsync(
                new StreamUpdate<T>.Lost(Failure.From((RpcException)retry.Outcome.Exception!), retry.RetryDelay), retry.Context.CancellationToken),
        }).Build();
}
