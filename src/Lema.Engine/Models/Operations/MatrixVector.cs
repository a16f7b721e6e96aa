using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lema.Engine.Devices;
using Lema.Engine.Streaming;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>
/// Products of a stored matrix with the few vectors of a decoding pass, on the host: the matrix is read once, at the speed of memory, and each row meets all
/// vectors while it is in the cache. Sums are float32, rounded once.
/// </summary>
internal static unsafe class MatrixVector
{
    /// <summary>Beyond this many vectors, one for each token of a pass, a general matrix product is faster.</summary>
    public const int MostVectors = 4;

    private const int MostColumns = 1 << 16;

    // Bytes of the matrix below which a second thread costs more than it saves.
    private const long ParallelBytes = 1 << 15;

    // Small enough that nobody waits long for the thread that took the last one, large enough to be read as a stream.
    private const long PartBytes = 1 << 17;

    public static bool Supports(Tensor input, Tensor matrix) =>
        input.dim() == 2 && matrix.dim() == 2 && matrix.size(1) == input.size(1) && input.size(0) <= MostVectors && input.size(1) <= MostColumns
        && input.device_type == TorchSharp.DeviceType.CPU && matrix.device_type == TorchSharp.DeviceType.CPU
        && input.dtype == matrix.dtype && input.dtype is ScalarType.Float32 or ScalarType.BFloat16 && matrix.is_contiguous();

    /// <summary>input [vectors, in], matrix [out, in] -> [vectors, out] in the same type, added in place to <paramref name="addend"/> of that shape if there is one.</summary>
    public static Tensor Multiply(Tensor input, Tensor matrix, Tensor? addend = null) => Multiply(input, [matrix], [addend])[0];

    /// <summary>The same for several matrices, which the threads share as if they were one.</summary>
    public static Tensor[] Multiply(Tensor input, ReadOnlySpan<Tensor> matrices, ReadOnlySpan<Tensor?> addends)
    {
        Tensor[] outputs = new Tensor[matrices.Length];
        Product[] products = new Product[matrices.Length];
        for (int i = 0; i < matrices.Length; i++)
        {
            long rows = matrices[i].size(0);
            outputs[i] = addends[i] ?? empty([input.size(0), rows], input.dtype);
            products[i] = new Product(TensorMemory.Pointer(matrices[i]), (int)rows, TensorMemory.Pointer(outputs[i]), rows, Adds: addends[i] is not null, Widens: false);
        }
        Run(input, products);
        return outputs;
    }

    /// <summary>The same, rounded to the input's type and written as float32 into the columns of output [vectors, all] from <paramref name="column"/> on.</summary>
    public static void MultiplyInto(Tensor output, long column, Tensor input, Tensor matrix) => Run(input,
    [
        new Product(TensorMemory.Pointer(matrix), (int)matrix.size(0), TensorMemory.Pointer(output) + (nint)(column * sizeof(float)), output.size(1), Adds: false,
            Widens: input.dtype == ScalarType.BFloat16),
    ]);

    private static void Run(Tensor input, Product[] products)
    {
        int vectors = (int)input.size(0), columns = (int)input.size(1);
        bool half = input.dtype == ScalarType.BFloat16;
        long rowBytes = columns * (long)(half ? sizeof(ushort) : sizeof(float));
        using Tensor contiguous = input.contiguous();
        float* x = (float*)NativeMemory.AlignedAlloc((nuint)(sizeof(float) * (long)vectors * columns), 64);
        try
        {
            nint source = TensorMemory.Pointer(contiguous), scratch = (nint)x;
            for (int vector = 0; vector < vectors; vector++)
            {
                long start = (long)vector * columns;
                if (half) Widen((ushort*)source + start, x + start, columns);
                else Buffer.MemoryCopy((float*)source + start, x + start, rowBytes, rowBytes);
            }

            void Rows(Part part)
            {
                if (half) HalfRows((float*)scratch, products[part.Product], part.First, part.End, vectors, columns);
                else FloatRows((float*)scratch, products[part.Product], part.First, part.End, vectors, columns);
            }

            if (products.Sum(product => product.Rows * rowBytes) < ParallelBytes)
            {
                for (int product = 0; product < products.Length; product++) Rows(new Part(product, 0, products[product].Rows));
                return;
            }
            Part[] parts = Parts(products, rowBytes);
            Func<bool>? ahead = CacheAhead.Current?.After(Array.ConvertAll(products, product => new MemoryRange(product.Matrix, product.Rows * rowBytes)));
            ComputeTeam.Shared.Run(parts.Length, part => Rows(parts[part]), ahead);
        }
        finally
        {
            NativeMemory.AlignedFree(x);
        }
    }

    private static Part[] Parts(Product[] products, long rowBytes)
    {
        int least = (ComputeTeam.Shared.ThreadCount + products.Length - 1) / products.Length;
        List<Part> parts = [];
        for (int product = 0; product < products.Length; product++)
        {
            int rows = products[product].Rows, count = (int)Math.Min(rows, Math.Max(rows * rowBytes / PartBytes, least));
            for (int part = 0; part < count; part++) parts.Add(new Part(product, (int)((long)rows * part / count), (int)((long)rows * (part + 1) / count)));
        }
        return [.. parts];
    }

    /// <summary>To float, even places of each run of two vectors first and odd ones after them, as <see cref="HalfRows"/> unpacks the matrix; what is left in its order.</summary>
    private static void Widen(ushort* source, float* target, int count)
    {
        int lanes = Vector<uint>.Count;
        int i = 0;
        for (; i <= count - 2 * lanes; i += 2 * lanes)
        {
            Vector<uint> pairs = Vector.Load((uint*)(source + i));
            Even(pairs).Store(target + i);
            Odd(pairs).Store(target + i + lanes);
        }
        for (; i < count; i++) target[i] = HalfFloats.ToFloat(source[i]);
    }

    private static void HalfRows(float* x, Product product, int first, int end, int vectors, int columns)
    {
        int lanes = Vector<uint>.Count;
        for (int row = first; row < end; row++)
        {
            ushort* line = (ushort*)product.Matrix + (long)row * columns;
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
                for (; i <= columns - 2 * lanes; i += 2 * lanes)
                {
                    Vector<uint> pairs = Vector.Load((uint*)(line + i));
                    even = Vector.FusedMultiplyAdd(Even(pairs), Vector.Load(values + i), even);
                    odd = Vector.FusedMultiplyAdd(Odd(pairs), Vector.Load(values + i + lanes), odd);
                }
                float sum = Vector.Sum((even + odd) + (nextEven + nextOdd));
                for (; i < columns; i++) sum += HalfFloats.ToFloat(line[i]) * values[i];
                long place = vector * product.Stride + row;
                if (product.Widens)
                {
                    ((float*)product.Output)[place] = HalfFloats.ToFloat(HalfFloats.FromFloat<ushort>(sum));
                    continue;
                }
                ushort* y = (ushort*)product.Output + place;
                *y = HalfFloats.FromFloat<ushort>(product.Adds ? sum + HalfFloats.ToFloat(*y) : sum);
            }
        }
    }

    private static void FloatRows(float* x, Product product, int first, int end, int vectors, int columns)
    {
        int lanes = Vector<float>.Count;
        for (int row = first; row < end; row++)
        {
            float* line = (float*)product.Matrix + (long)row * columns;
            for (int vector = 0; vector < vectors; vector++)
            {
                float* values = x + (long)vector * columns;
                Vector<float> low = Vector<float>.Zero, high = Vector<float>.Zero;
                int i = 0;
                for (; i <= columns - 2 * lanes; i += 2 * lanes)
                {
                    low = Vector.FusedMultiplyAdd(Vector.Load(line + i), Vector.Load(values + i), low);
                    high = Vector.FusedMultiplyAdd(Vector.Load(line + i + lanes), Vector.Load(values + i + lanes), high);
                }
                float sum = Vector.Sum(low + high);
                for (; i < columns; i++) sum += line[i] * values[i];
                float* y = (float*)product.Output + vector * product.Stride + row;
                *y = product.Adds ? sum + *y : sum;
            }
        }
    }

    /// <summary>A bfloat16 is the upper half of a float; two neighbours share a 32-bit lane, the first in its lower half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Even(Vector<uint> pairs) => Vector.AsVectorSingle(pairs << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Odd(Vector<uint> pairs) => Vector.AsVectorSingle(pairs & new Vector<uint>(0xFFFF0000));

    /// <summary>A matrix and where its products go.</summary>
    /// <param name="Output">Of the first vector's first element.</param>
    /// <param name="Stride">Elements from one vector to the next.</param>
    /// <param name="Adds">They are added to what is there.</param>
    /// <param name="Widens">They are stored as float32 after rounding.</param>
    private readonly record struct Product(nint Matrix, int Rows, nint Output, long Stride, bool Adds, bool Widens);

    /// <summary>Some rows of one of the matrices.</summary>
    private readonly record struct Part(int Product, int First, int End);
}
