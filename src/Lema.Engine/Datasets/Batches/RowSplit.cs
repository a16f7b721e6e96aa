using Lema.Engine.Numerics;

namespace Lema.Engine.Datasets.Batches;

/// <summary>Decides which rows are held out.</summary>
public static class RowSplit
{
    /// <summary>By row: the indices of a share of the rows, drawn from the seed.</summary>
    /// <param name="share">From 0 to 1.</param>
    public static IReadOnlySet<int> HeldOutRows(int count, double share, int seed)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        new Xoshiro256(SplitMix64.Seed("split", seed)).Shuffle(order.AsSpan());
        return order.Take((int)Math.Floor(share * count + 0.5)).ToHashSet();
    }

    /// <summary>By key: rows of one key go to one side, decided by the key and the seed alone, so that it stays there when rows are added.</summary>
    /// <param name="share">From 0 to 1; that of the keys.</param>
    public static bool IsHeldOut(string key, double share, int seed) => (SplitMix64.Seed(key, seed) >> 11) * (1.0 / (1UL << 53)) < share;
}
