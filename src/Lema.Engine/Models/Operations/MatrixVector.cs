using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lema.Engine.Devices;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>
/// Products of a stored matrix with the few vectors of a decoding pass, on the host: the matrix is read once, at the speed of memory, and each row meets all
/// vectors while it is in the cache. Sums are float32, rounded once.
/// </summary>
internal static unsafe class MatrixVector
{
    /// <summary>Beyond this many vectors a general matrix product is faster.</summary>
    private const int MostVectors = 4;

    private const int MostColumns = 1 << 16;

    // Bytes of the matrix below which a second thread costs more than it saves.
    private const long ParallelBytes = 1 << 15;

    // Small enough that a helper which comes late still finds some, large enough to be read as a stream.
    private const long PartBytes = 1 << 18;

    public static bool Supports(Tensor input, Tensor matrix) =>
        input.dim() == 2 && input.size(0) <= MostVectors && input.size(1) <= MostColumns && input.size(1) % (2 * Vector<uint>.Count) == 0
        && input.device_type == TorchSharp.DeviceType.CPU && matrix.device_type == TorchSharp.DeviceType.CPU
        && input.dtype == matrix.dtype && input.dtype is ScalarType.Float32 or ScalarType.BFloat16 && matrix.is_contiguous();

    /// <summary>input [vectors, in], matrix [out, in] -> [vectors, out] in the same type, added in place to <paramref name="addend"/> of that shape if there is one.</summary>
    public static Tensor Multiply(Tensor input, Tensor matrix, Tensor? addend = null)
    {
        long rows = matrix.size(0);
        Tensor output = addend ?? empty([input.size(0), rows], input.dtype);
        Multiply(input, matrix, new Target(TensorMemory.Pointer(output), rows, Adds: addend is not null, Widens: false));
        return output;
    }

    /// <summary>The same, rounded to the input's type and written as float32 into the columns of output [vectors, all] from <paramref name="column"/> on.</summary>
    public static void MultiplyInto(Tensor output, long column, Tensor input, Tensor matrix) =>
        Multiply(input, matrix, new Target(TensorMemory.Pointer(output) + (nint)(column * sizeof(float)), output.size(1), Adds: false, Widens: input.dtype == ScalarType.BFloat16));

    private static void Multiply(Tensor input, Tensor matrix, Target target)
    {
        int vectors = (int)input.size(0), columns = (int)input.size(1), rows = (int)matrix.size(0);
        bool half = input.dtype == ScalarType.BFloat16;
        using Tensor contiguous = input.contiguous();
        float* x = (float*)NativeMemory.AlignedAlloc((nuint)(sizeof(float) * (long)vectors * columns), 64);
        try
        {
            nint source = TensorMemory.Pointer(contiguous), w = TensorMemory.Pointer(matrix), scratch = (nint)x;
            if (half) Widen((ushort*)source, x, vectors * columns);
            else Buffer.MemoryCopy((void*)source, x, sizeof(float) * (long)vectors * columns, sizeof(float) * (long)vectors * columns);

            void Rows(int first, int end)
            {
                if (half) HalfRows((float*)scratch, (ushort*)w, target, first, end, vectors, columns);
                else FloatRows((float*)scratch, (float*)w, target, first, end, vectors, columns);
            }

            long bytes = (long)rows * columns * (half ? sizeof(ushort) : sizeof(float));
            int parts = (int)Math.Min(rows, Math.Max(bytes / PartBytes, ComputeTeam.Shared.ThreadCount));
            if (bytes < ParallelBytes) Rows(0, rows);
            else ComputeTeam.Shared.Run(parts, part => Rows((int)((long)rows * part / parts), (int)((long)rows * (part + 1) / parts)));
        }
        finally
        {
            NativeMemory.AlignedFree(x);
        }
    }

    /// <summary>To float, even places of each run of vectors first and odd ones after them, as <see cref="HalfRows"/> unpacks the matrix.</summary>
    private static void Widen(ushort* source, float* target, int count)
    {
        int lanes = Vector<uint>.Count;
        for (int i = 0; i < count; i += 2 * lanes)
        {
            Vector<uint> pairs = Vector.Load((uint*)(source + i));
            Even(pairs).Store(target + i);
            Odd(pairs).Store(target + i + lanes);
        }
    }

    private static void HalfRows(float* x, ushort* w, Target target, int first, int end, int vectors, int columns)
    {
        int lanes = Vector<uint>.Count;
        for (int row = first; row < end; row++)
        {
            ushort* line = w + (long)row * columns;
            for (int vector = 0; vector < vectors; vector++)
            {
                float* values = x + (long)vector * columns;
                Vector<float> even = Vector<float>.Zero, odd = even, nextEven = even, nextOdd = even;
                int i = 0;
                for (; i <= columns - 4 * lanes; i += 4 * lanes)
                {
                    Vector<uint> pairs = Vector.Load((uint*)(line + i)), next = Vector.Load((uint*)(line + i) + lanes);
                    even = Vector.FusedMultiplyAdd(Even(pairs), Vector.Load(values + i), even);
                    odd = Vector.FusedMultiplyAdd(Odd(pairs), Vector.Load(values + i + lanes), odd);
                    nextEven = Vector.FusedMultiplyAdd(Even(next), Vector.Load(values + i + 2 * lanes), nextEven);
                    nextOdd = Vector.FusedMultiplyAdd(Odd(next), Vector.Load(values + i + 3 * lanes), nextOdd);
                }
                for (; i < columns; i += 2 * lanes)
                {
                    Vector<uint> pairs = Vector.Load((uint*)(line + i));
                    even = Vector.FusedMultiplyAdd(Even(pairs), Vector.Load(values + i), even);
                    odd = Vector.FusedMultiplyAdd(Odd(pairs), Vector.Load(values + i + lanes), odd);
                }
                float sum = Vector.Sum((even + odd) + (nextEven + nextOdd));
                long place = vector * target.Stride + row;
                if (target.Widens)
                {
                    ((float*)target.Address)[place] = HalfFloats.ToFloat(HalfFloats.FromFloat<ushort>(sum));
                    continue;
                }
                ushort* y = (ushort*)target.Address + place;
                *y = HalfFloats.FromFloat<ushort>(target.Adds ? sum + HalfFloats.ToFloat(*y) : sum);
            }
        }
    }

    private static void FloatRows(float* x, float* w, Target target, int first, int end, int vectors, int columns)
    {
        int lanes = Vector<float>.Count;
        for (int row = first; row < end; row++)
        {
            float* line = w + (long)row * columns;
            for (int vector = 0; vector < vectors; vector++)
            {
                float* values = x + (long)vector * columns;
                Vector<float> low = Vector<float>.Zero, high = Vector<float>.Zero;
                for (int i = 0; i < columns; i += 2 * lanes)
                {
                    low = Vector.FusedMultiplyAdd(Vector.Load(line + i), Vector.Load(values + i), low);
                    high = Vector.FusedMultiplyAdd(Vector.Load(line + i + lanes), Vector.Load(values + i + lanes), high);
                }
                float* y = (float*)target.Address + vector * target.Stride + row;
                *y = Vector.Sum(low + high) + (target.Adds ? *y : 0);
            }
        }
    }

    /// <summary>A bfloat16 is the upper half of a float; two neighbours share a 32-bit lane, the first in its lower half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Even(Vector<uint> pairs) => Vector.AsVectorSingle(pairs << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Odd(Vector<uint> pairs) => Vector.AsVectorSingle(pairs & new Vector<uint>(0xFFFF0000));

    /// <summary>Where products go.</summary>
    /// <param name="Address">Of the first vector's first element.</param>
    /// <param name="Stride">Elements from one vector to the next.</param>
    /// <param name="Adds">They are added to what is there.</param>
    /// <param name="Widens">They are stored as float32 after rounding.</param>
    private readonly record struct Target(nint Address, long Stride, bool Adds, bool Widens);
}
