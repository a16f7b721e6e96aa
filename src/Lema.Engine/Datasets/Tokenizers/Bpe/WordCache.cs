using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Lema.Engine.Datasets.Tokenizers.Bpe;

/// <summary>Ids of the short words seen so far: natural text repeats its words, and a lookup is far cheaper than merging. Bounded; when full it keeps what it has.</summary>
internal sealed class WordCache
{
    private const int LongestWord = 48;
    private const int MostWords = 1 << 16;

    private readonly ConcurrentDictionary<string, int[]> _ids = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private int _count;

    public WordCache() => _lookup = _ids.GetAlternateLookup<ReadOnlySpan<char>>();

    public bool TryGet(ReadOnlySpan<char> word, [NotNullWhen(true)] out int[]? ids)
    {
        ids = null;
        return word.Length <= LongestWord && _lookup.TryGetValue(word, out ids);
    }

    public void Add(ReadOnlySpan<char> word, int[] ids)
    {
        if (word.Length > LongestWord || Volatile.Read(ref _count) >= MostWords) return;
        if (_lookup.TryAdd(word, ids)) Interlocked.Increment(ref _count);
    }
}
