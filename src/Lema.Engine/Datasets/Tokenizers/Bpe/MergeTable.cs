namespace Lema.Engine.Datasets.Tokenizers.Bpe;

/// <summary>The merges of a byte-pair encoding: which pairs join, in which order, into which token.</summary>
internal sealed class MergeTable
{
    private readonly Dictionary<ulong, int> _ranks;
    private readonly List<int> _results;

    public MergeTable(int capacity)
    {
        _ranks = new Dictionary<ulong, int>(capacity);
        _results = new List<int>(capacity);
    }

    /// <summary>Adds the next merge; of two merges of one pair the later counts.</summary>
    public void Add(int left, int right, int result)
    {
        _ranks[Key(left, right)] = _results.Count;
        _results.Add(result);
    }

    /// <summary>The rank of a pair (lower merges first), or -1.</summary>
    public int Rank(int left, int right) => _ranks.TryGetValue(Key(left, right), out int rank) ? rank : -1;

    /// <summary>The token that the merge of a rank makes.</summary>
    public int Result(int rank) => _results[rank];

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;
}
