using System.Numerics;
using System.Runtime.CompilerServices;
using Lema.Engine.Devices;
using Lema.Engine.Models.Operations;
using static TorchSharp.torch;

namespace Lema.Engine.Merging;

/// <summary>
/// W + (B A) * scale of some rows in one pass on the host: each element is widened to float32, summed and rounded once, to nearest even, while it is in a register. Products
/// are summed in the order of the rank.
/// </summary>
internal sealed unsafe class LowRankSum : IDisposable
{
    /// <summary>What is loaded of A serves so many rows: a product costs more loads than arithmetic otherwise.</summary>
    private const int RowsAtOnce = 4;

    private readonly Tensor _b;
    private readonly float[] _strips;
    private readonly int _rank, _columns;
    private readonly float _scale;

    /// <param name="a">[r, columns] float32.</param>
    /// <param name="b">[rows of the whole matrix, r] float32.</param>
    public LowRankSum(Tensor a, Tensor b, double scale)
    {
        (_rank, _columns, _scale) = ((int)a.size(0), (int)a.size(1), (float)scale);
        _b = b.contiguous().DetachFromDisposeScope();
        _strips = Strips(a);
    }

    private static int Width => HalfFloats.Lanes;

    public void Dispose() => _b.Dispose();

    /// <summary>Types that a matrix can be read and written in.</summary>
    public static bool Supports(ScalarType type) => type is ScalarType.BFloat16 or ScalarType.Float32;

    /// <param name="stored">Whole rows from <paramref name="first"/> on, in their stored type.</param>
    /// <param name="target">The same rows in the type of the merged matrix.</param>
    public void Add(ReadOnlySpan<byte> stored, ScalarType storedType, long first, Span<byte> target, ScalarType targetType)
    {
        fixed (byte* source = stored, sum = target)
        {
            bool narrow = targetType == ScalarType.BFloat16;
            if (storedType == ScalarType.BFloat16 && narrow) Add((ushort*)source, (ushort*)sum, stored.Length / sizeof(ushort), first);
            else if (storedType == ScalarType.BFloat16) Add((ushort*)source, (float*)sum, stored.Length / sizeof(ushort), first);
            else if (narrow) Add((float*)source, (ushort*)sum, stored.Length / sizeof(float), first);
            else Add((float*)source, (float*)sum, stored.Length / sizeof(float), first);
        }
    }

    /// <summary>
    /// A in strips of <see cref="Width"/> columns, [strips, r, width], the last one filled up with zeros. Rows of A lie a power of two apart more often than not, and would take turns in a few
    /// lines of the first-level cache.
    /// </summary>
    private static float[] Strips(Tensor a)
    {
        using Tensor whole = a.contiguous();
        int rank = (int)whole.size(0), columns = (int)whole.size(1), width = Width;
        float* rows = (float*)TensorMemory.Pointer(whole);
        float[] strips = new float[(columns + width - 1) / width * rank * width];
        for (int k = 0; k < rank; k++)
            for (int column = 0; column < columns; column++)
                strips[((column / width * rank) + k) * width + column % width] = rows[(long)k * columns + column];
        return strips;
    }

    private void Add<TIn, TOut>(TIn* source, TOut* target, int elements, long first)
        where TIn : unmanaged where TOut : unmanaged
    {
        int rows = elements / _columns, whole = _columns / Width * Width;
        float* left = (float*)TensorMemory.Pointer(_b) + first * _rank;
        fixed (float* strips = _strips)
        {
            for (int row = 0; row < rows;)
            {
                TIn* from = source + (long)row * _columns;
                TOut* to = target + (long)row * _columns;
                float* weights = left + (long)row * _rank;
                int count = rows - row >= RowsAtOnce ? RowsAtOnce : 1;
                for (int column = 0; column < whole; column += Width)
                {
                    if (count == RowsAtOnce) FourRows(from + column, to + column, weights, strips + (long)column * _rank);
                    else OneRow(from + column, to + column, weights, strips + (long)column * _rank);
                }
                for (int one = 0; one < count; one++) Rest(from + (long)one * _columns, to + (long)one * _columns, weights + one * _rank, strips + (long)whole * _rank, whole);
                row += count;
            }
        }
    }

    // [4, r] x [r, width] -> [4, width]
    private void FourRows<TIn, TOut>(TIn* source, TOut* target, float* left, float* strip)
        where TIn : unmanaged where TOut : unmanaged
    {
        int lanes = Vector<float>.Count, rank = _rank;
        Vector<float> p00 = Vector<float>.Zero, p01 = p00, p10 = p00, p11 = p00, p20 = p00, p21 = p00, p30 = p00, p31 = p00;
        for (int k = 0; k < rank; k++, strip += 2 * lanes, left++)
        {
            Vector<float> a0 = Vector.Load(strip), a1 = Vector.Load(strip + lanes);
            Vector<float> weight = new(*left);
            p00 = Vector.FusedMultiplyAdd(weight, a0, p00);
            p01 = Vector.FusedMultiplyAdd(weight, a1, p01);
            weight = new(left[rank]);
            p10 = Vector.FusedMultiplyAdd(weight, a0, p10);
            p11 = Vector.FusedMultiplyAdd(weight, a1, p11);
            weight = new(left[2 * rank]);
            p20 = Vector.FusedMultiplyAdd(weight, a0, p20);
            p21 = Vector.FusedMultiplyAdd(weight, a1, p21);
            weight = new(left[3 * rank]);
            p30 = Vector.FusedMultiplyAdd(weight, a0, p30);
            p31 = Vector.FusedMultiplyAdd(weight, a1, p31);
        }
        Sum(source, target, p00, p01);
        Sum(source + _columns, target + _columns, p10, p11);
        Sum(source + 2L * _columns, target + 2L * _columns, p20, p21);
        Sum(source + 3L * _columns, target + 3L * _columns, p30, p31);
    }

    // [r] x [r, width] -> [width]
    private void OneRow<TIn, TOut>(TIn* source, TOut* target, float* left, float* strip)
        where TIn : unmanaged where TOut : unmanaged
    {
        int lanes = Vector<float>.Count;
        Vector<float> p0 = Vector<float>.Zero, p1 = p0;
        for (int k = 0; k < _rank; k++, strip += 2 * lanes)
        {
            Vector<float> weight = new(left[k]);
            p0 = Vector.FusedMultiplyAdd(weight, Vector.Load(strip), p0);
            p1 = Vector.FusedMultiplyAdd(weight, Vector.Load(strip + lanes), p1);
        }
        Sum(source, target, p0, p1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Sum<TIn, TOut>(TIn* source, TOut* target, Vector<float> product0, Vector<float> product1)
        where TIn : unmanaged where TOut : unmanaged
    {
        Vector<float> factor = new(_scale);
        (Vector<float> w0, Vector<float> w1) = HalfFloats.Load(source);
        HalfFloats.Store(w0 + product0 * factor, w1 + product1 * factor, target);
    }

    /// <summary>The columns of one row that fill no whole strip.</summary>
    private void Rest<TIn, TOut>(TIn* source, TOut* target, float* left, float* strip, int first)
        where TIn : unmanaged where TOut : unmanaged
    {
        for (int column = first; column < _columns; column++)
        {
            float product = 0;
            for (int k = 0; k < _rank; k++) product = MathF.FusedMultiplyAdd(left[k], strip[k * Width + column - first], product);
            float scaled = product * _scale;
            target[column] = HalfFloats.FromFloat<TOut>(HalfFloats.ToFloat(source[column]) + scaled);
        }
    }
}
