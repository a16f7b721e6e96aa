namespace Lema.Web.Feeds;

/// <summary>
/// Watches in use, by key. Pages that show the same thing share one, so that twenty open pages are one watch for the daemon. The last page that
/// leaves ends it.
/// </summary>
public sealed class SharedFeeds : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = [];

    public int Count
    {
        get { lock (_gate) return _entries.Count; }
    }

    public FeedLease<T> Open<T>(string key, Func<T> create) where T : LiveFeed
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(key, out Entry? entry) || entry.Feed.Link.State is LinkState.Refused or LinkState.Ended)
            {
                // An ended feed stays with those who read it; a new reader may find that the run was resumed.
                entry = new(create());
                _entries[key] = entry;
                entry.Feed.Start();
            }
            entry.Users++;
            return new((T)entry.Feed, () => ReturnAsync(key, entry));
        }
    }

    public async ValueTask DisposeAsync()
    {
        List<Entry> left;
        lock (_gate)
        {
            left = [.. _entries.Values];
            _entries.Clear();
        }
        foreach (Entry entry in left) await entry.Feed.DisposeAsync();
    }

    private async ValueTask ReturnAsync(string key, Entry entry)
    {
        lock (_gate)
        {
            if (--entry.Users > 0) return;
            if (_entries.TryGetValue(key, out Entry? current) && current == entry) _entries.Remove(key);
        }
        await entry.Feed.DisposeAsync();
    }

    private sealed class Entry(LiveFeed feed)
    {
        public LiveFeed Feed { get; } = feed;

        public int Users { get; set; }
    }
}

/// <summary>The right to read a feed until disposal.</summary>
public sealed class FeedLease<T>(T feed, Func<ValueTask> giveBack) : IAsyncDisposable where T : LiveFeed
{
    private int _returned;

    public T Feed => feed;

    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _returned, 1) == 0 ? giveBack() : ValueTask.CompletedTask;
}
