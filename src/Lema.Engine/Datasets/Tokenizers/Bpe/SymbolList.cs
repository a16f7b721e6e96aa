namespace Lema.Engine.Datasets.Tokenizers.Bpe;

/// <summary>
/// The symbols of one word while they are merged: a linked list over arrays, so that a merge is O(1) and a word of n symbols takes O(n log n).
/// Reused from word to word.
/// </summary>
internal sealed class SymbolList
{
    private const int None = -1;
    private const int LongWord = 4096;
    private readonly MergeQueue _queue = new();
    private Symbol[] _symbols = new Symbol[64];
    private int _count;

    private record struct Symbol(int Id, int Start, int Length, int Previous, int Next);

    /// <summary>Symbols there is room for; the owner drops a list that one huge word has blown up.</summary>
    public int Capacity => Math.Max(_symbols.Length, _queue.Capacity);

    /// <summary>Empties the list and makes room for a word.</summary>
    public void Reset(int units)
    {
        _count = 0;
        if (_symbols.Length < units) _symbols = new Symbol[units];
    }

    /// <param name="start">First unit of the word (byte or UTF-16) that the symbol covers.</param>
    /// <param name="length">How many units it covers.</param>
    public void Add(int id, int start, int length)
    {
        if (_count == _symbols.Length) Array.Resize(ref _symbols, _count * 2);
        _symbols[_count] = new Symbol(id, start, length, _count - 1, None);
        if (_count > 0) _symbols[_count - 1].Next = _count;
        _count++;
    }

    /// <summary>Merges pairs, the lowest rank first and of equal ranks the leftmost, until no pair of neighbours has a merge.</summary>
    public void MergeAll(MergeTable merges)
    {
        if (_count > LongWord) MergeLong(merges);
        else MergeShort(merges);
    }

    private void MergeShort(MergeTable merges)
    {
        _queue.Clear();
        for (int index = 0; index + 1 < _count; index++)
        {
            if (RankAt(merges, index) is var rank and >= 0) _queue.Append(rank, index);
        }
        _queue.Order();
        while (_queue.Count > 0)
        {
            (int rank, int position) = _queue.Pop();
            if (!Merge(merges, rank, position)) continue;
            if (RankAt(merges, position) is var right and >= 0) _queue.Push(right, position);
            int previous = _symbols[position].Previous;
            if (previous != None && RankAt(merges, previous) is var left and >= 0) _queue.Push(left, previous);
        }
    }

    private void MergeLong(MergeTable merges)
    {
        MergeBuckets queue = new(merges.Count);
        for (int index = 0; index + 1 < _count; index++)
        {
            if (RankAt(merges, index) is var rank and >= 0) queue.Push(rank, index);
        }
        while (queue.TryPop(out int rank, out int position))
        {
            if (!Merge(merges, rank, position)) continue;
            if (RankAt(merges, position) is var right and >= 0) queue.Push(right, position);
            int previous = _symbols[position].Previous;
            if (previous != None && RankAt(merges, previous) is var left and >= 0) queue.Push(left, previous);
        }
    }

    private int RankAt(MergeTable merges, int index) =>
        _symbols[index].Next is var next && next == None ? -1 : merges.Rank(_symbols[index].Id, _symbols[next].Id);

    private bool Merge(MergeTable merges, int rank, int position)
    {
        Span<Symbol> symbols = _symbols;
        ref Symbol left = ref symbols[position];
        if (left.Length == 0 || left.Next == None) return false;
        ref Symbol right = ref symbols[left.Next];

        // Queued before a neighbour merged: it stands only if the pair that is there now makes the same token.
        int now = merges.Rank(left.Id, right.Id), result = merges.Result(rank);
        if (now < 0 || merges.Result(now) != result) return false;

        left = left with { Id = result, Length = right.Start + right.Length - left.Start, Next = right.Next };
        right.Length = 0;
        if (left.Next != None) symbols[left.Next].Previous = position;
        return true;
    }

    public void CopyTo(List<BpeToken> tokens)
    {
        for (int index = _count == 0 ? None : 0; index != None; index = _symbols[index].Next)
        {
            tokens.Add(new BpeToken(_symbols[index].Id, _symbols[index].Start, _symbols[index].Length));
        }
    }
}

/// <summary>A token of a word: its id and the units (bytes of a byte-level word, else UTF-16) that it covers.</summary>
internal readonly record struct BpeToken(int Id, int Start, int Length);
