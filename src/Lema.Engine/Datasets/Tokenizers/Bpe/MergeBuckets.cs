namespace Lema.Engine.Datasets.Tokenizers.Bpe;

/// <summary>
/// The possible merges of a very long word, in the same order as <see cref="MergeQueue"/> but grouped by rank: positions come nearly sorted, so a merge costs a
/// list access instead of a walk through a heap of millions.
/// </summary>
/// <param name="merges">How many merges there are: ranks are below it.</param>
internal sealed class MergeBuckets(int merges)
{
    private readonly Bucket?[] _buckets = new Bucket?[merges];
    private readonly PriorityQueue<Bucket, int> _ranks = new();

    private sealed class Bucket
    {
        public List<int> Positions { get; } = [];

        public int Head { get; set; }

        public bool Sorted { get; set; } = true;
    }

    public void Push(int rank, int position)
    {
        Bucket bucket = _buckets[rank] ??= new Bucket();
        if (bucket.Head == bucket.Positions.Count)
        {
            bucket.Positions.Clear();
            (bucket.Head, bucket.Sorted) = (0, true);
            _ranks.Enqueue(bucket, rank);
        }
        else if (bucket.Positions[^1] > position) bucket.Sorted = false;
        bucket.Positions.Add(position);
    }

    public bool TryPop(out int rank, out int position)
    {
        (rank, position) = (0, 0);
        if (!_ranks.TryPeek(out Bucket? bucket, out rank)) return false;
        if (!bucket.Sorted)
        {
            bucket.Positions.Sort(bucket.Head, bucket.Positions.Count - bucket.Head, null);
            bucket.Sorted = true;
        }
        position = bucket.Positions[bucket.Head++];
        if (bucket.Head == bucket.Positions.Count) _ranks.Dequeue();
        return true;
    }
}
