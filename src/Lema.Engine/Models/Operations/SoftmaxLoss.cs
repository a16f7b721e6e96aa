using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Lema.Engine.Devices;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>
/// Cross-entropy of bfloat16 logits in host memory, and its gradient in their place: each row is read from the cache three times instead of crossing memory in a
/// dozen float32 passes. Sums are float32, losses float64.
/// </summary>
internal static unsafe class SoftmaxLoss
{
    private const int Lanes = 16;

    /// <summary>Whether the logits of a model are a plain product with a frozen matrix, in bfloat16 and host memory.</summary>
    public static bool Supports(LanguageModel model) =>
        model.Adapters.Head is null && model.TorchDevice.type == TorchSharp.DeviceType.CPU && Supports(model.Architecture, model.ComputeType);

    /// <summary>The same before a model is opened, if its output matrix stays frozen and the processor computes.</summary>
    public static bool Supports(DecoderModel model, ScalarType computeType) =>
        computeType == ScalarType.BFloat16 && model is { LogitScale: 1, LogitSoftcap: null } && model.VocabularySize % (2 * Lanes) == 0;

    /// <summary>Negative log likelihood summed over the rows; the logits become (softmax - one-hot) / divisor.</summary>
    /// <param name="logits">[tokens, vocabulary]</param>
    /// <param name="targets">[tokens]</param>
    /// <param name="divisor">Null: no gradient is wanted, and the logits stay.</param>
    public static double Compute(Tensor logits, ReadOnlySpan<long> targets, double? divisor)
    {
        int rows = targets.Length, columns = (int)logits.size(1);
        nint start = TensorMemory.Pointer(logits);
        long[] wanted = targets.ToArray();
        double[] losses = new double[rows];
        Parallel.For(0, rows, row => losses[row] = Row((ushort*)start + (long)row * columns, columns, (int)wanted[row], divisor));
        return losses.Sum();
    }

    private static double Row(ushort* row, int columns, int target, double? divisor)
    {
        Vector512<float> highest = Vector512.Create(float.NegativeInfinity);
        for (int i = 0; i < columns; i += 2 * Lanes)
        {
            Vector512<uint> pairs = Vector512.Load((uint*)(row + i));
            highest = Vector512.Max(highest, Vector512.Max(Even(pairs), Odd(pairs)));
        }
        float top = float.NegativeInfinity;
        for (int lane = 0; lane < Lanes; lane++) top = Math.Max(top, highest[lane]);

        Vector512<float> shift = Vector512.Create(top), even = Vector512<float>.Zero, odd = Vector512<float>.Zero;
        for (int i = 0; i < columns; i += 2 * Lanes)
        {
            Vector512<uint> pairs = Vector512.Load((uint*)(row + i));
            even += Vector512.Exp(Even(pairs) - shift);
            odd += Vector512.Exp(Odd(pairs) - shift);
        }
        double logSum = top + Math.Log(Vector512.Sum(even + odd)), logit = BitConverter.UInt32BitsToSingle((uint)row[target] << 16);
        if (divisor is { } count) Gradient(row, columns, target, (float)logSum, 1 / count, Math.Exp(logit - logSum));
        return logSum - logit;
    }

    private static void Gradient(ushort* row, int columns, int target, float logSum, double factor, double probability)
    {
        Vector512<float> shift = Vector512.Create(logSum), scale = Vector512.Create((float)factor);
        for (int i = 0; i < columns; i += 2 * Lanes)
        {
            Vector512<uint> pairs = Vector512.Load((uint*)(row + i));
            Vector512<uint> low = Rounded(Vector512.Exp(Even(pairs) - shift) * scale), high = Rounded(Vector512.Exp(Odd(pairs) - shift) * scale);
            ((low >>> 16) | (high & Vector512.Create(0xFFFF0000u))).Store((uint*)(row + i));
        }
        row[target] = (ushort)(Rounded(Vector512.Create((float)((probability - 1) * factor)))[0] >>> 16);
    }

    /// <summary>A bfloat16 is the upper half of a float; two neighbours share a 32-bit lane, the first in its lower half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Even(Vector512<uint> pairs) => (pairs << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Odd(Vector512<uint> pairs) => (pairs & Vector512.Create(0xFFFF0000u)).AsSingle();

    /// <summary>The upper half of each lane is the value rounded to bfloat16, to nearest even.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Rounded(Vector512<float> values)
    {
        Vector512<uint> bits = values.AsUInt32();
        return bits + Vector512.Create(0x7FFFu) + ((bits >>> 16) & Vector512.Create(1u));
    }
}
