using System.Numerics;
using Lema.Engine.Devices;
using Lema.Engine.Models.Operations;
using static TorchSharp.torch;

namespace Lema.Engine.Merging;

/// <summary>
/// W + (B A) * scale of some rows in one pass on the host: each element is widened to float32, summed and rounded once, to nearest even, while it is in a register. Products
/// are summed in the order of the rank.
/// </summary>
/// <param name="a">[r, columns] float32.</param>
/// <param name="b">[rows of the whole matrix, r] float32.</param>
internal sealed unsafe class LowRankSum(Tensor a, Tensor b, double scale)
{
    // Columns of A that stay in the first-level cache while all rows pass.
    private const int BlockColumns = 256;

    private readonly Tensor _a = a.contiguous().DetachFromDisposeScope(), _b = b.contiguous().DetachFromDisposeScope();
    private readonly float _scale = (float)scale;

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

    private void Add<TIn, TOut>(TIn* source, TOut* target, int elements, long first)
        where TIn : unmanaged where TOut : unmanaged
    {
        int rank = (int)_a.size(0), columns = (int)_a.size(1), rows = elements / columns;
        float* right = (float*)TensorMemory.Pointer(_a), left = (float*)TensorMemory.Pointer(_b) + first * rank;
        for (int start = 0; start < columns; start += BlockColumns)
        {
            int end = Math.Min(columns, start + BlockColumns);
            for (int row = 0; row < rows; row++)
                Row(source + (long)row * columns, target + (long)row * columns, left + (long)row * rank, right, rank, columns, start, end);
        }
    }

    private void Row<TIn, TOut>(TIn* source, TOut* target, float* left, float* right, int rank, int columns, int start, int end)
        where TIn : unmanaged where TOut : unmanaged
    {
        int lanes = Vector<float>.Count, column = start;
        Vector<float> factor = new(_scale);
        for (; column <= end - 4 * lanes; column += 4 * lanes)
        {
            Vector<float> p0 = Vector<float>.Zero, p1 = p0, p2 = p0, p3 = p0;
            float* line = right + column;
            for (int k = 0; k < rank; k++, line += columns)
            {
                Vector<float> weight = new(left[k]);
                p0 = Vector.FusedMultiplyAdd(weight, Vector.Load(line), p0);
                p1 = Vector.FusedMultiplyAdd(weight, Vector.Load(line + lanes), p1);
                p2 = Vector.FusedMultiplyAdd(weight, Vector.Load(line + 2 * lanes), p2);
                p3 = Vector.FusedMultiplyAdd(weight, Vector.Load(line + 3 * lanes), p3);
            }
            (Vector<float> w0, Vector<float> w1) = HalfFloats.Load(source + column);
            (Vector<float> w2, Vector<float> w3) = HalfFloats.Load(source + column + 2 * lanes);
            HalfFloats.Store(w0 + p0 * factor, w1 + p1 * factor, target + column);
            HalfFloats.Store(w2 + p2 * factor, w3 + p3 * factor, target + column + 2 * lanes);
        }
        for (; column < end; column++)
        {
            float product = 0;
            for (int k = 0; k < rank; k++) product = MathF.FusedMultiplyAdd(left[k], right[(long)k * columns + column], product);
            float scaled = product * _scale;
            target[column] = HalfFloats.FromFloat<TOut>(HalfFloats.ToFloat(source[column]) + scaled);
        }
    }
}
