using Lema.Engine.Numerics;

namespace Lema.Engine.Datasets.Batches;

/// <summary>The order of a number of items in each epoch, drawn from a seed. Only the current epoch's order is kept.</summary>
/// <param name="count">Items of an epoch, at least one.</param>
/// <param name="shuffle">False: 0, 1, 2, … in every epoch.</param>
/// <param name="grouping">Null: no grouping by length.</param>
internal sealed class RowOrder(int count, int seed, bool shuffle, LengthGrouping? grouping = null)
{
    private readonly Lock _lock = new();
    private int _epoch = -1;
    private int[] _order = [];

    /// <summary>The item at a position that counts on through all epochs.</summary>
    public int this[long position] => shuffle || grouping is not null ? Epoch((int)(position / count))[position % count] : (int)(position % count);

    private int[] Epoch(int epoch)
    {
        lock (_lock)
        {
            if (epoch == _epoch) return _order;
            int[] order = [.. Enumerable.Range(0, count)];
            Xoshiro256 random = new(SplitMix64.Seed("row order", seed, epoch));
            if (shuffle) random.Shuffle(order.AsSpan());
            grouping?.Group(order, random, shuffle);
            (_epoch, _order) = (epoch, order);
            return order;
        }
    }
}

/// <summary>
/// Sorts stretches of an order by length, so that a micro-batch holds rows of similar length, then mixes its micro-batches again
/// (after <c>LengthGroupedSampler</c> of transformers).
/// </summary>
/// <param name="microBatchSize">Items of a micro-batch.</param>
internal sealed record LengthGrouping(int MicroBatchSize, Func<int, int> LengthOf)
{
    private const int MicroBatchesOfStretch = 64;

    public void Group(int[] order, Xoshiro256 random, bool shuffle)
    {
        int stretch = MicroBatchSize * MicroBatchesOfStretch;
        for (int start = 0; start < order.Length; start += stretch)
        {
            int[] sorted = [.. order.Skip(start).Take(stretch).OrderBy(LengthOf)];
            int[][] batches = [.. sorted.Chunk(MicroBatchSize)];
            // A short last micro-batch stays last, or it would shift all that follow.
            if (shuffle) random.Shuffle(batches.AsSpan(0, sorted.Length / MicroBatchSize));
            batches.SelectMany(batch => batch).ToArray().CopyTo(order, start);
        }
    }
}
