using System.Runtime.CompilerServices;
using Lema.Engine.Devices;
using Lema.Engine.Numerics;
using static TorchSharp.torch;

namespace Lema.Engine.Adapters;

/// <summary>
/// Masks of inverted dropout from a seeded generator: a mask is a pure function of its seed, so the recomputed
/// forward pass and a resumed run see the same one.
/// </summary>
public static unsafe class DropoutMask
{
    private const int ParallelFrom = 1 << 14;

    /// <summary>[rows, columns] in host memory: 0 with the given probability, else 1 / (1 - probability).</summary>
    /// <param name="type">Float32, Float16 or BFloat16.</param>
    public static Tensor Create(long rows, long columns, double probability, ulong seed, ScalarType type)
    {
        Tensor mask = empty([rows, columns], type);
        nint values = TensorMemory.Pointer(mask);
        using Tensor keep = full([1L], 1 / (1 - probability), type);
        ulong threshold = (ulong)(probability * ulong.MaxValue);
        long count = rows * columns;
        if (mask.element_size() == sizeof(float)) Fill((uint*)values, count, *(uint*)TensorMemory.Pointer(keep), threshold, seed);
        else Fill((ushort*)values, count, *(ushort*)TensorMemory.Pointer(keep), threshold, seed);
        return mask;
    }

    private static void Fill<T>(T* values, long count, T keep, ulong threshold, ulong seed) where T : unmanaged
    {
        int parts = count < ParallelFrom ? 1 : Math.Min(Environment.ProcessorCount, get_num_threads());
        if (parts == 1) FillPart(values, 0, count, keep, threshold, seed);
        else Parallel.For(0, parts, part => FillPart(values, count * part / parts, count * (part + 1) / parts, keep, threshold, seed));
    }

    private static void FillPart<T>(T* values, long from, long to, T keep, ulong threshold, ulong seed) where T : unmanaged
    {
        SplitMix64Lanes random = new(new SplitMix64(seed).Skip(from));
        long i = from;
        for (; i + SplitMix64Lanes.Count <= to; i += SplitMix64Lanes.Count)
        {
            uint dropped = random.NextBelow(threshold);
            for (int lane = 0; lane < SplitMix64Lanes.Count; lane++) values[i + lane] = Choose(dropped, lane, keep);
        }
        uint last = random.NextBelow(threshold);
        for (int lane = 0; i < to; i++, lane++) values[i] = Choose(last, lane, keep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Choose<T>(uint dropped, int lane, T keep) where T : unmanaged => ((dropped >> lane) & 1) == 0 ? keep : default;
}
