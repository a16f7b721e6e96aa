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
    private const long PartBytes = 1 << 17;

    public static bool Supports(Tensor input, Tensor matrix) =>
        input.dim() == 2 && input.shape[0] <= MostVectors && input.shape[1] <= MostColumns && input.shape[1] % (2 * Vector<uint>.Count) == 0
        && input.device_type == TorchSharp.DeviceType.CPU && matrix.device_type == TorchSharp.DeviceType.CPU
        && input.dtype == matrix.dtype && input.dtype is ScalarType.Float32 or ScalarType.BFloat16 && matrix.is_contiguous();

    /// <summary>input [vectors, in], matrix [out, in] -> [vectors, out] in the same type, added in place to <paramref name="addend"/> of that shape if there is one.</summary>
    public static Tensor Multiply(Tensor input, Tensor matrix, Tensor? addend = null)
    {
        int vectors = (int)input.shape[0], columns = (int)input.shape[1], rows = (int)matrix.shape[0];
        bool half = input.dtype == ScalarType.BFloat16;
        Tensor output = addend ?? empty([vectors, rows], input.dtype);
        bool adds = addend is not null;
        using Tensor contiguous = input.contiguous();
        float* x = (float*)NativeMemory.AlignedAlloc((nuint)(sizeof(float) * (long)vectors * columns), 64);
        try
        {
            nint source = TensorMemory.Pointer(contiguous), w = TensorMemory.Pointer(matrix), y = TensorMemory.Pointer(output), scratch = (nint)x;
            if (half) Widen((ushort*)source, x, vectors * columns);
            else Buffer.MemoryCopy((void*)source, x, sizeof(float) * (long)vectors * columns, sizeof(float) * (long)vectors * columns);

            void Rows(int first, int end)
            {
                if (half) HalfRows((float*)scratch, (ushort*)w, (ushort*)y, first, end, vectors, columns, rows, adds);
                else FloatRows((float*)scratch, (float*)w, (float*)y, first, end, vectors, columns, rows, adds);
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
        return output;
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

    private static void HalfRows(float* x, ushort* w, ushort* y, int first, int end, int vectors, int columns, int rows, bool adds)
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
                ushort* place = y + (long)vector * rows + row;
                float before = adds ? BitConverter.UInt32BitsToSingle((uint)*place << 16) : 0;
                *place = HalfFloats.FromFloat<ushort>(Vector.Sum((even + odd) + (nextEven + nextOdd)) + before);
            }
        }
    }

    private static void FloatRows(float* x, float* w, float* y, int first, int end, int vectors, int columns, int rows, bool adds)
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
                float* place = y + (long)vector * rows + row;
                *place = Vector.Sum(low + high) + (adds ? *place : 0);
            }
        }
    }

    /// <summary>A bfloat16 is the upper half of a float; two neighbours share a 32-bit lane, the first in its lower half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Even(Vector<uint> pairs) => Vector.AsVectorSingle(pairs << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Odd(Vector<uint> pairs) => Vector.AsVectorSingle(pairs & new Vector<uint>(0xFFFF0000));
}
