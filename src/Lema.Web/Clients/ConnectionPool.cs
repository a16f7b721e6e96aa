namespace Lema.Web.Clients;

/// <summary>
/// The connections in use, one for each daemon and token. Lives as long as the program; a connection goes when the last page that used it has gone.
/// </summary>
public sealed class ConnectionPool
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Host, string Token), Entry> _entries = [];

    public int Count
    {
        get { lock (_gate) return _entries.Count; }
    }

    public ConnectionLease Lease(DaemonEndpoint endpoint, string token)
    {
        lock (_gate)
        {
            (string, string) key = (endpoint.Name, token);
            if (!_entries.TryGetValue(key, out Entry? entry)) _entries[key] = entry = new(new DaemonConnection(endpoint, token));
            entry.Users++;
            return new ConnectionLease(entry.Connection, () => ReturnAsync(key, entry));
        }
    }

    private async ValueTask ReturnAsync((string, string) key, Entry entry)
    {
        lock (_gate)
        {
            if (--entry.Users > 0) return;
            _entries.Remove(key);
        }
        await entry.Connection.DisposeAsync();
    }

    private sealed class Entry(DaemonConnection connection)
    {
        public DaemonConnection Connection { get; } = connection;

        public int Users { get; set; }
    }
}

/// <summary>The right to use a connection until disposal.</summary>
public sealed class ConnectionLease(DaemonConnection connection, Func<ValueTask> giveBack) : IAsyncDisposable
{
    private int _returned;

    public DaemonConnection Connection => connection;

    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _returned, 1) == 0 ? giveBack() : ValueTask.CompletedTask;
}
