using Lema.Engine.Numerics;

namespace Lema.Engine.Datasets.Batches;

/// <summary>Some of another's rows.</summary>
/// <param name="rows">Not disposed with this: the parts of a split share it.</param>
public sealed class SelectedRows(ITokenizedRows rows, IReadOnlyList<int> indices) : ITokenizedRows
{
    public int Count => indices.Count;

    public int LengthOf(int index) => rows.LengthOf(indices[index]);

    public TokenizedRow Read(int index) => rows.Read(indices[index]);

    public void Dispose()
    {
    }
}

/// <summary>Divides rows into those that are trained on and those held out.</summary>
public static class RowSplit
{
    /// <summary>By row: a share drawn from the seed is held out. Order within both parts stays.</summary>
    /// <param name="share">From 0 to 1.</param>
    public static (IReadOnlyList<int> Train, IReadOnlyList<int> HeldOut) ByRow(int count, double share, int seed)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        new Xoshiro256(SplitMix64.Seed("split", seed)).Shuffle(order.AsSpan());
        HashSet<int> held = [.. order.Take((int)Math.Floor(share * count + 0.5))];
        return Divide(count, held.Contains);
    }

    /// <summary>By key: rows of one key go to one side, decided by the key and the seed alone, so that it stays there when rows are added.</summary>
    public static (IReadOnlyList<int> Train, IReadOnlyList<int> HeldOut) ByKey(IReadOnlyList<string> keys, double share, int seed) =>
        Divide(keys.Count, row => (SplitMix64.Seed(keys[row], seed) >> 11) * (1.0 / (1UL << 53)) < share);

    private static (IReadOnlyList<int> Train, IReadOnlyList<int> HeldOut) Divide(int count, Func<int, bool> held)
    {
        List<int> train = [], heldOut = [];
        for (int row = 0; row < count; row++) (held(row) ? heldOut : train).Add(row);
        return (train, heldOut);
    }
}
