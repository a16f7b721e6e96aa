using System.Numerics;
using Lema.Engine.Devices;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>
/// What a block does to the few vectors of a decoding pass beside matrix products and attention, on the host: one pass over a vector in place of several library calls, each
/// of which costs more than the arithmetic. Rounded wherever the general operations round.
/// </summary>
internal static unsafe class DecodeKernels
{
    /// <summary>Whether a pass generates, with so few tokens and such an operand that these kernels apply.</summary>
    public static bool Support(LayerPass pass, Tensor x) =>
        pass.Tape is null && pass.States is not null && pass.Batch.TokenCount <= MatrixVector.MostVectors && x.dtype is ScalarType.Float32 or ScalarType.BFloat16
        && x.device_type == TorchSharp.DeviceType.CPU && x.size(-1) % HalfFloats.Lanes == 0 && x.is_contiguous();

    /// <summary>The same with a second operand of so many elements: nothing is broadcast here.</summary>
    public static bool Support(LayerPass pass, Tensor x, Tensor other, long elements) =>
        Support(pass, x) && other.dtype == x.dtype && other.is_contiguous() && other.numel() == elements;

    /// <inheritdoc cref="Normalization.RmsNorm"/>
    public static Tensor RmsNorm(Tensor x, Tensor weight, double epsilon, double weightOffset)
    {
        Tensor output = empty_like(x);
        int width = (int)x.size(-1), rows = (int)(x.numel() / width);
        nint source = TensorMemory.Pointer(x), scale = TensorMemory.Pointer(weight), target = TensorMemory.Pointer(output);
        for (int row = 0; row < rows; row++)
        {
            if (x.dtype == ScalarType.Float32) RmsNorm((float*)source + (long)row * width, (float*)scale, (float*)target + (long)row * width, width, (float)epsilon, (float)weightOffset);
            else RmsNorm((ushort*)source + (long)row * width, (ushort*)scale, (ushort*)target + (long)row * width, width, (float)epsilon, (float)weightOffset);
        }
        return output;
    }

    /// <inheritdoc cref="Elementwise.SiluMultiply"/>
    public static Tensor SiluMultiply(Tensor gate, Tensor up) => Pairwise(gate, up, &SiluMultiply, &SiluMultiply);

    /// <inheritdoc cref="Elementwise.Add"/>
    public static Tensor Add(Tensor a, Tensor b) => Pairwise(a, b, &Add, &Add);

    /// <inheritdoc cref="RotaryEmbedding.Rotate"/>
    /// <param name="segments">One token each or several.</param>
    public static Tensor Rotate(Tensor x, RotaryTables tables, IReadOnlyList<Segment> segments)
    {
        Tensor output = empty_like(x);
        int heads = (int)x.size(1), width = (int)x.size(2), half = (int)tables.Cos.size(-1);
        nint source = TensorMemory.Pointer(x), c = TensorMemory.Pointer(tables.Cos), s = TensorMemory.Pointer(tables.Sin), target = TensorMemory.Pointer(output);
        foreach (Segment segment in segments)
        {
            for (int token = 0; token < segment.Length; token++)
            {
                long place = (long)(segment.Start + token) * heads * width, angle = (long)tables.Row(segment, token) * half;
                if (x.dtype == ScalarType.Float32) Rotate((float*)source + place, (float*)c + angle, (float*)s + angle, (float*)target + place, heads, width, half);
                else Rotate((ushort*)source + place, (ushort*)c + angle, (ushort*)s + angle, (ushort*)target + place, heads, width, half);
            }
        }
        return output;
    }

    private static Tensor Pairwise(
        Tensor a, Tensor b, delegate*<float*, float*, float*, long, void> single, delegate*<ushort*, ushort*, ushort*, long, void> half)
    {
        Tensor output = empty_like(a);
        long count = a.numel();
        nint x = TensorMemory.Pointer(a), z = TensorMemory.Pointer(b), y = TensorMemory.Pointer(output);
        if (a.dtype == ScalarType.Float32) single((float*)x, (float*)z, (float*)y, count);
        else half((ushort*)x, (ushort*)z, (ushort*)y, count);
        return output;
    }

    private static void RmsNorm<T>(T* x, T* weight, T* y, int width, float epsilon, float weightOffset) where T : unmanaged
    {
        Vector<float> even = Vector<float>.Zero, odd = even;
        for (int i = 0; i < width; i += HalfFloats.Lanes)
        {
            (Vector<float> low, Vector<float> high) = HalfFloats.Load(x + i);
            even += low * low;
            odd += high * high;
        }
        Vector<float> inverse = new(1 / MathF.Sqrt(Vector.Sum(even + odd) / width + epsilon)), offset = new(weightOffset);
        for (int i = 0; i < width; i += HalfFloats.Lanes)
        {
            (Vector<float> low, Vector<float> high) = HalfFloats.Load(x + i);
            (Vector<float> lowWeight, Vector<float> highWeight) = HalfFloats.Load(weight + i);
            (low, high) = (low * inverse, high * inverse);
            if (weightOffset == 0) (low, high) = (HalfFloats.Rounded<T>(low), HalfFloats.Rounded<T>(high));
            HalfFloats.Store(low * (lowWeight + offset), high * (highWeight + offset), y + i);
        }
    }

    private static void Add<T>(T* a, T* b, T* y, long count) where T : unmanaged
    {
        for (long i = 0; i < count; i += HalfFloats.Lanes)
        {
            (Vector<float> lowA, Vector<float> highA) = HalfFloats.Load(a + i);
            (Vector<float> lowB, Vector<float> highB) = HalfFloats.Load(b + i);
            HalfFloats.Store(lowA + lowB, highA + highB, y + i);
        }
    }

    private static void SiluMultiply<T>(T* gate, T* up, T* y, long count) where T : unmanaged
    {
        for (long i = 0; i < count; i += HalfFloats.Lanes)
        {
            (Vector<float> lowGate, Vector<float> highGate) = HalfFloats.Load(gate + i);
            (Vector<float> lowUp, Vector<float> highUp) = HalfFloats.Load(up + i);
            HalfFloats.Store(Silu<T>(lowGate) * lowUp, Silu<T>(highGate) * highUp, y + i);
        }
    }

    private static Vector<float> Silu<T>(Vector<float> x) where T : unmanaged => HalfFloats.Rounded<T>(x / (Vector<float>.One + Vector.Exp(-x)));

    private static void Rotate<T>(T* x, T* cos, T* sin, T* y, int heads, int width, int half) where T : unmanaged
    {
        for (int head = 0; head < heads; head++, x += width, y += width)
        {
            int i = 0;
            for (; i <= half - HalfFloats.Lanes; i += HalfFloats.Lanes)
            {
                (Vector<float> first, Vector<float> nextFirst) = HalfFloats.Load(x + i);
                (Vector<float> second, Vector<float> nextSecond) = HalfFloats.Load(x + half + i);
                (Vector<float> c, Vector<float> nextC) = HalfFloats.Load(cos + i);
                (Vector<float> s, Vector<float> nextS) = HalfFloats.Load(sin + i);
                HalfFloats.Store(
                    HalfFloats.Rounded<T>(first * c) - second * s, HalfFloats.Rounded<T>(nextFirst * nextC) - nextSecond * nextS, y + i);
                HalfFloats.Store(
                    HalfFloats.Rounded<T>(second * c) + first * s, HalfFloats.Rounded<T>(nextSecond * nextC) + nextFirst * nextS, y + half + i);
            }
            for (; i < half; i++)
            {
                float first = HalfFloats.ToFloat(x[i]), second = HalfFloats.ToFloat(x[half + i]), c = HalfFloats.ToFloat(cos[i]), s = HalfFloats.ToFloat(sin[i]);
                y[i] = HalfFloats.FromFloat<T>(HalfFloats.ToFloat(HalfFloats.FromFloat<T>(first * c)) - second * s);
                y[half + i] = HalfFloats.FromFloat<T>(HalfFloats.ToFloat(HalfFloats.FromFloat<T>(second * c)) + first * s);
            }
            for (i = 2 * half; i < width; i++) y[i] = x[i];
        }
    }
}
