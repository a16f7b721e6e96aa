using Grpc.Core;
using Lema.Protocol.Client;

namespace Lema.Web.Feeds;

/// <summary>
/// A watch of a daemon and what has come through it. It runs on its own from <see cref="Start"/> to disposal, survives lost connections, and tells its
/// readers that something changed; they read at their own pace.
/// </summary>
public abstract class LiveFeed : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task _following = Task.CompletedTask;
    private Link _link = new(LinkState.Connecting);

    /// <summary>Raised on the watch's thread, after each message and each change of <see cref="Link"/>.</summary>
    public event Action? Changed;

    public Link Link => Volatile.Read(ref _link);

    public void Start() => _following = Task.Run(() => FollowToEndAsync(_stop.Token));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _following;
        _stop.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Watches until the daemon ends the stream or <paramref name="stop"/>.</summary>
    protected abstract Task FollowAsync(CancellationToken stop);

    /// <summary>Hands each message on and keeps <see cref="Link"/> up to date.</summary>
    protected async Task ConsumeAsync<T>(IAsyncEnumerable<StreamUpdate<T>> updates, Action<T> apply, CancellationToken stop)
    {
        await foreach (StreamUpdate<T> update in updates.WithCancellation(stop))
        {
            switch (update)
            {
                case StreamUpdate<T>.Message message:
                    apply(message.Value);
                    SetLink(new(LinkState.Live));
                    break;
                case StreamUpdate<T>.Lost lost:
                    SetLink(new(LinkState.Lost, lost.Reason));
                    break;
            }
        }
    }

    private void SetLink(Link link)
    {
        Volatile.Write(ref _link, link);
        Changed?.Invoke();
    }

    private async Task FollowToEndAsync(CancellationToken stop)
    {
        try
        {
            await FollowAsync(stop);
            SetLink(new(LinkState.Ended));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        catch (RpcException) when (stop.IsCancellationRequested)
        {
        }
        catch (RpcException refused)
        {
            SetLink(new(LinkState.Refused, Failure.From(refused)));
        }
    }
}
