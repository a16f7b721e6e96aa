namespace Lema.Engine.Streaming.Planning;

/// <summary>What memory is charged to, by name. Every buffer that lives longer than an operation is entered while it lives. Safe from several threads.</summary>
public sealed class MemoryLedger
{
    private readonly Dictionary<string, long> _bytes = new(StringComparer.Ordinal);
    private long _total;

    /// <summary>Bytes entered now.</summary>
    public long TotalBytes
    {
        get { lock (_bytes) return _total; }
    }

    public long PeakBytes { get; private set; }

    /// <summary>Entries with bytes now, by name.</summary>
    public IReadOnlyList<PlanItem> Items
    {
        get { lock (_bytes) return [.. _bytes.Where(entry => entry.Value != 0).Select(entry => new PlanItem(entry.Key, entry.Value)).OrderBy(item => item.Name, StringComparer.Ordinal)]; }
    }

    /// <summary>Enters bytes until the result is disposed.</summary>
    public IDisposable Charge(string name, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Add(name, bytes);
        return new Entry(this, name, bytes);
    }

    private void Add(string name, long bytes)
    {
        lock (_bytes)
        {
            _bytes[name] = _bytes.GetValueOrDefault(name) + bytes;
            _total += bytes;
            PeakBytes = Math.Max(PeakBytes, _total);
        }
    }

    private sealed class Entry(MemoryLedger ledger, string name, long bytes) : IDisposable
    {
        private MemoryLedger? _ledger = ledger;

        public void Dispose() => Interlocked.Exchange(ref _ledger, null)?.Add(name, -bytes);
    }
}
