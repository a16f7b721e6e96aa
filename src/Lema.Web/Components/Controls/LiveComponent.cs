using Lema.Web.Clients;
using Lema.Web.Feeds;
using Microsoft.AspNetCore.Components;

namespace Lema.Web.Components.Controls;

/// <summary>
/// A page or panel that reads live feeds: it renders when one of them changes, at most once at a time, and lets go of them when it is left. Data is
/// asked for only once the page has its circuit; the first paint shows the frame.
/// </summary>
public abstract class LiveComponent : ComponentBase, IAsyncDisposable
{
    private readonly CancellationTokenSource _left = new();
    private readonly List<(IAsyncDisposable Lease, LiveFeed Feed)> _followed = [];
    private int _renderPending;

    protected LiveComponent() => Left = _left.Token;

    [Inject]
    protected UserDaemons Daemons { get; set; } = default!;

    [Inject]
    private IHostApplicationLifetime Lifetime { get; set; } = default!;

    /// <summary>Cancelled when the page is left.</summary>
    protected CancellationToken Left { get; }

    /// <summary>Whether the page has its circuit; false in the first, static rendering.</summary>
    protected bool IsLive => RendererInfo.IsInteractive;

    protected T Follow<T>(FeedLease<T> lease) where T : LiveFeed
    {
        _followed.Add((lease, lease.Feed));
        lease.Feed.Changed += RenderSoon;
        return lease.Feed;
    }

    protected async Task UnfollowAllAsync()
    {
        foreach ((IAsyncDisposable lease, LiveFeed feed) in _followed)
        {
            feed.Changed -= RenderSoon;
            await lease.DisposeAsync();
        }
        _followed.Clear();
    }

    /// <summary>Called before each rendering that a feed caused.</summary>
    protected virtual void OnFeedChanged()
    {
    }

    public virtual async ValueTask DisposeAsync()
    {
        await _left.CancelAsync();
        await UnfollowAllAsync();
        _left.Dispose();
        GC.SuppressFinalize(this);
    }

    protected void RenderSoon()
    {
        if (Interlocked.Exchange(ref _renderPending, 1) == 1) return;
        _ = InvokeAsync(() =>
        {
            Volatile.Write(ref _renderPending, 0);
            // Circuits outlive the services for a moment when the program ends.
            if (_left.IsCancellationRequested || Lifetime.ApplicationStopping.IsCancellationRequested) return;
            OnFeedChanged();
            StateHasChanged();
        });
    }
}
