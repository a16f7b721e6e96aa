namespace Lema.Engine.Generation;

/// <summary>
/// Finds places in the descending order of a vocabulary's logits without sorting it: one pass puts every token into a bucket by the upper 16 bits of its
/// logit, and only the bucket that holds the place is sorted. Keeps its buffers between calls; not thread-safe.
/// </summary>
internal sealed class LogitOrder
{
    private const int BucketCount = 1 << 16;

    private readonly int[] _counts = new int[BucketCount];
    private readonly double[] _masses = new double[BucketCount];
    private readonly List<(float Logit, int Token)> _members = [];

    /// <summary>The k-th largest logit, 1 at least and the vocabulary's size at most.</summary>
    public float KthLargest(ReadOnlySpan<float> logits, int k)
    {
        Array.Clear(_counts);
        foreach (float logit in logits) _counts[Bucket(logit)]++;
        int above = 0, bucket = BucketCount - 1;
        while (above + _counts[bucket] < k) above += _counts[bucket--];
        CollectAscending(logits, bucket);
        return _members[_members.Count - (k - above)].Logit;
    }

    /// <summary>
    /// Sets to minus infinity the least likely tokens whose probabilities, summed from the least likely up (the lower index first among equals), reach
    /// <paramref name="tail"/> at most. The most likely token stays in every case.
    /// </summary>
    /// <param name="weights">exp(logit - largest logit) of each token.</param>
    /// <param name="total">The sum of the weights.</param>
    public void RemoveTail(Span<float> logits, ReadOnlySpan<float> weights, double total, float tail)
    {
        Array.Clear(_masses);
        int top = 0;
        for (int token = 0; token < logits.Length; token++)
        {
            int home = Bucket(logits[token]);
            _masses[home] += weights[token] / total;
            top = Math.Max(top, home);
        }
        double below = 0;
        int bucket = 0;
        while (bucket < top && (float)(below + _masses[bucket]) <= tail) below += _masses[bucket++];

        CollectAscending(logits, bucket);
        for (int token = 0; token < logits.Length; token++)
        {
            if (Bucket(logits[token]) < bucket) logits[token] = float.NegativeInfinity;
        }
        int last = bucket == top ? _members.Count - 1 : _members.Count;
        for (int i = 0; i < last; i++)
        {
            below += weights[_members[i].Token] / total;
            if ((float)below > tail) break;
            logits[_members[i].Token] = float.NegativeInfinity;
        }
    }

    private void CollectAscending(ReadOnlySpan<float> logits, int bucket)
    {
        _members.Clear();
        for (int token = 0; token < logits.Length; token++)
        {
            if (Bucket(logits[token]) == bucket) _members.Add((logits[token], token));
        }
        _members.Sort();
    }

    /// <summary>Upper half of the bits of a float, made to grow with its value: sign flipped for positive numbers, all bits for negative ones.</summary>
    private static int Bucket(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value == 0 ? 0f : value);
        return (int)(((bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000) >> 16);
    }
}
