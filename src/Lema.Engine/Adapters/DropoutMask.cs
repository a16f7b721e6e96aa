using Lema.Engine.Numerics;
using static TorchSharp.torch;

namespace Lema.Engine.Adapters;

/// <summary>
/// Masks of inverted dropout from a seeded generator: a mask is a pure function of its seed, so the recomputed
/// forward pass and a resumed run see the same one.
/// </summary>
public static class DropoutMask
{
    private const int ParallelFrom = 1 << 14;

    /// <summary>[rows, columns]: 0 with the given probability, else 1 / (1 - probability).</summary>
    public static Tensor Create(long rows, long columns, double probability, ulong seed, ScalarType type)
    {
        float[] values = new float[rows * columns];
        float keep = (float)(1 / (1 - probability));
        ulong threshold = (ulong)(probability * ulong.MaxValue);
        int parts = values.Length < ParallelFrom ? 1 : Math.Min(Environment.ProcessorCount, get_num_threads());
        Parallel.For(0, parts, part =>
        {
            int from = (int)((long)values.Length * part / parts), to = (int)((long)values.Length * (part + 1) / parts);
            SplitMix64 random = new SplitMix64(seed).Skip(from);
            foreach (ref float value in values.AsSpan(from..to)) value = random.Next() < threshold ? 0 : keep;
        });
        using var scope = NewDisposeScope();
        return tensor(values, rows, columns).to(type).MoveToOuterDisposeScope();
    }
}
