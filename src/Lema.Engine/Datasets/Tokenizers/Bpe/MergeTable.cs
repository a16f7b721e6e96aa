using System.Numerics;

namespace Lema.Engine.Datasets.Tokenizers.Bpe;

/// <summary>
/// The merges of a byte-pair encoding: which pairs join, in which order, into which token. A hash table with linear probing over flat arrays, because looking up
/// a pair is what merging spends its time on.
/// </summary>
internal sealed class MergeTable
{
    private const ulong Empty = ulong.MaxValue;
    private const ulong Multiplier = 0x9E3779B97F4A7C15;

    private readonly ulong[] _pairs;
    private readonly int[] _ranks;
    private readonly int _shift;
    private readonly List<int> _results;

    /// <param name="capacity">How many merges there will be, at the most.</param>
    public MergeTable(int capacity)
    {
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(capacity, 1) * 2);
        _pairs = new ulong[size];
        Array.Fill(_pairs, Empty);
        _ranks = new int[size];
        _shift = 64 - BitOperations.Log2((uint)size);
        _results = new List<int>(capacity);
    }

    public int Count => _results.Count;

    /// <summary>Adds the next merge; of two merges of one pair the later counts.</summary>
    public void Add(int left, int right, int result)
    {
        int place = Place(Key(left, right));
        _pairs[place] = Key(left, right);
        _ranks[place] = _results.Count;
        _results.Add(result);
    }

    /// <summary>The rank of a pair (lower merges first), or -1.</summary>
    public int Rank(int left, int right)
    {
        ulong pair = Key(left, right);
        int place = Place(pair);
        return _pairs[place] == pair ? _ranks[place] : -1;
    }

    /// <summary>The token that the merge of a rank makes.</summary>
    public int Result(int rank) => _results[rank];

    private int Place(ulong pair)
    {
        int place = (int)(pair * Multiplier >> _shift);
        while (_pairs[place] != pair && _pairs[place] != Empty) place = (place + 1) & (_pairs.Length - 1);
        return place;
    }

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;
}
