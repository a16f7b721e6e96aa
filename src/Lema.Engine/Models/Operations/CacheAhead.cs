using Lema.Engine.Streaming;

namespace Lema.Engine.Models.Operations;

/// <summary>
/// While replies are made, brings what the next product reads into the cache whenever a helper has nothing to do, so that memory is not idle between two products. The same
/// products follow one another token after token: what comes next is what came next the last time, and a wrong guess costs nothing but memory traffic. It reads, for the
/// processor drops prefetch instructions when many are open; so only memory is read that is there as long as this lives.
/// </summary>
/// <param name="memory">The stream's slots. Matrices that lie elsewhere are not brought in.</param>
internal sealed unsafe class CacheAhead : IDisposable
{
    // What a core's own cache holds beside what the computing thread needs of it.
    private const long MostBytes = 768 << 10;

    private const int BlockBytes = 4096, LineBytes = 64;

    [ThreadStatic] private static CacheAhead? s_current;

    private readonly MemoryRange _memory;
    private readonly CacheAhead? _outer;
    private readonly Dictionary<nint, MemoryRange[]> _followers = [];
    private nint _last;
    private int _reading;
    private bool _ended;

    /// <summary>Becomes the calling thread's until it is disposed.</summary>
    public CacheAhead(MemoryRange memory)
    {
        (_memory, _outer) = (memory, s_current);
        s_current = this;
    }

    /// <summary>The calling thread's; null: nobody makes replies on it.</summary>
    public static CacheAhead? Current => s_current;

    /// <summary>Notes that matrices are read now.</summary>
    /// <returns>Brings in a little of what will be read after them, until it returns false; for any thread. Null when that is not known.</returns>
    public Func<bool>? After(MemoryRange[] matrices)
    {
        _followers[_last] = matrices;
        _last = matrices[0].Address;
        return _followers.TryGetValue(_last, out MemoryRange[]? next) && next.All(_memory.Contains) ? new Walk(this, next).Step : null;
    }

    /// <summary>Returns when no thread reads any more.</summary>
    public void Dispose()
    {
        s_current = _outer;
        Volatile.Write(ref _ended, true);
        Interlocked.MemoryBarrier();
        SpinWait wait = default;
        while (Volatile.Read(ref _reading) != 0) wait.SpinOnce();
    }

    private sealed class Walk(CacheAhead owner, MemoryRange[] ranges)
    {
        private long _next;
        private int _sum;

        public bool Step()
        {
            Interlocked.Increment(ref owner._reading);
            try
            {
                return !Volatile.Read(ref owner._ended) && Read((Interlocked.Increment(ref _next) - 1) * BlockBytes);
            }
            finally
            {
                Interlocked.Decrement(ref owner._reading);
            }
        }

        private bool Read(long place)
        {
            if (place >= MostBytes) return false;
            foreach (MemoryRange range in ranges)
            {
                if (place < range.ByteCount)
                {
                    byte* block = (byte*)range.Address + place;
                    int bytes = (int)Math.Min(BlockBytes, range.ByteCount - place), sum = 0;
                    for (int line = 0; line < bytes; line += LineBytes) sum += block[line];
                    // Kept, or the reads would be left out.
                    _sum = sum;
                    return true;
                }
                place -= (range.ByteCount + BlockBytes - 1) / BlockBytes * BlockBytes;
            }
            return false;
        }
    }
}
