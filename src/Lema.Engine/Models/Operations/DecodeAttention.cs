using System.Numerics;
using System.Runtime.InteropServices;
using Lema.Engine.Devices;
using Lema.Engine.Models.Sequences;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>
/// Attention of one new token of each sequence with that sequence's keys and values, on the host. Sequences of unequal length run side by side without padding and
/// without a library call each, which would cost more than the arithmetic. Products, softmax and sums are float32.
/// </summary>
internal static unsafe class DecodeAttention
{
    private const int MostHeadWidth = 1024;

    private const int ScratchAlignment = 64;

    // Below this number of multiplications a second thread costs more than it saves.
    private const long ParallelWork = 1 << 16;

    /// <summary>
    /// One sequence: addresses of its keys and values in chunks [<paramref name="ChunkTokens"/>, key heads, d], of which <paramref name="Length"/> tokens count, the new one included.
    /// </summary>
    public readonly record struct Sequence(IReadOnlyList<nint> Keys, IReadOnlyList<nint> Values, int ChunkTokens, int Length);

    public static bool Supports(Tensor queries) =>
        queries.device_type == TorchSharp.DeviceType.CPU && queries.dtype is ScalarType.Float32 or ScalarType.BFloat16 && queries.size(2) <= MostHeadWidth
        && queries.size(2) % Vector<ushort>.Count == 0;

    /// <summary>Copies row <paramref name="row"/> of keys and values [sequences, key heads, d] behind what the cache holds.</summary>
    public static Sequence Append(KeyValueCache cache, int row, Tensor keys, Tensor values)
    {
        (Tensor lastKeys, Tensor lastValues, int offset) = cache.Reserve(keys);
        long bytes = TensorMemory.ByteCount(keys) / keys.size(0);
        Copy(keys, row, lastKeys, offset, bytes);
        Copy(values, row, lastValues, offset, bytes);
        cache.Advance();
        return new Sequence(cache.KeyAddresses, cache.ValueAddresses, cache.ChunkTokens, cache.Length);
    }

    /// <summary>queries [sequences, heads, d] -> output of as many elements, both contiguous.</summary>
    public static void Run(Tensor queries, Tensor output, Sequence[] sequences, int keyHeads, AttentionSettings settings)
    {
        Shape shape = new((int)queries.size(1), keyHeads, (int)queries.size(2));
        nint q = TensorMemory.Pointer(queries), y = TensorMemory.Pointer(output);
        bool half = queries.dtype == ScalarType.BFloat16;
        int items = sequences.Length * shape.KeyHeads, next = 0;
        long work = 2L * shape.Heads * shape.Width * sequences.Sum(sequence => (long)sequence.Length);
        int threads = work >= ParallelWork ? Math.Min(items, ComputeTeam.Shared.ThreadCount) : 1;
        long scratchFloats = sequences.Max(sequence => ScratchFloats(shape, Seen(sequence, settings)));
        // A part of one thread's own for each: allocating within a part would have helpers wait for each other.
        float* scratch = (float*)NativeMemory.AlignedAlloc((nuint)(sizeof(float) * scratchFloats * threads), ScratchAlignment);
        nint first = (nint)scratch;
        void Take(int thread)
        {
            float* own = (float*)first + thread * scratchFloats;
            for (int item; (item = Interlocked.Increment(ref next) - 1) < items;)
            {
                int index = item / shape.KeyHeads, head = item % shape.KeyHeads;
                if (half) Attend<ushort>(q, y, sequences[index], index, head, shape, settings, own);
                else Attend<float>(q, y, sequences[index], index, head, shape, settings, own);
            }
        }

        try
        {
            if (threads > 1) ComputeTeam.Shared.Run(threads, Take);
            else Take(0);
        }
        finally
        {
            NativeMemory.AlignedFree(scratch);
        }
    }

    /// <summary>Positions within the window.</summary>
    private static int Seen(Sequence sequence, AttentionSettings settings) => Math.Min(sequence.Length, settings.Window ?? int.MaxValue);

    /// <summary>Whole vectors of scores: those beyond the last position are minus infinity, and nothing after the softmax.</summary>
    private static long ScoreStride(int seen) => (seen + Vector<float>.Count - 1L) / Vector<float>.Count * Vector<float>.Count;

    /// <summary>Queries, sums and scores of the query heads that share a key head, in whole lines of the cache.</summary>
    private static long ScratchFloats(Shape shape, int seen)
    {
        const int line = ScratchAlignment / sizeof(float);
        return (shape.Group * (ScoreStride(seen) + 2L * shape.Width) + line - 1) / line * line;
    }

    private static void Copy(Tensor source, int row, Tensor target, int targetRow, long bytes) =>
        Buffer.MemoryCopy((void*)(TensorMemory.Pointer(source) + (nint)(row * bytes)), (void*)(TensorMemory.Pointer(target) + (nint)(targetRow * bytes)), bytes, bytes);

    /// <summary>The query heads that share one key head of one sequence.</summary>
    /// <param name="scratch"><see cref="ScratchFloats"/> of them.</param>
    private static void Attend<T>(nint queries, nint output, Sequence sequence, int index, int keyHead, Shape shape, AttentionSettings settings, float* scratch)
        where T : unmanaged
    {
        int width = shape.Width, group = shape.Group, length = sequence.Length, seen = Seen(sequence, settings), first = length - seen;
        long rowStride = (long)shape.KeyHeads * width;
        T* q = (T*)queries + ((long)index * shape.Heads + (long)keyHead * group) * width;
        T* y = (T*)output + ((long)index * shape.Heads + (long)keyHead * group) * width;

        T* Row(IReadOnlyList<nint> chunks, int position) => (T*)chunks[position / sequence.ChunkTokens] + position % sequence.ChunkTokens * rowStride + (long)keyHead * width;
        // From a position to the end of its chunk.
        int RowsAt(int position) => Math.Min(sequence.ChunkTokens - position % sequence.ChunkTokens, length - position);

        long stride = ScoreStride(seen);
        float* query = scratch, sum = query + (long)group * width, scores = sum + (long)group * width;
        for (int i = 0; i < group * width; i++)
        {
            query[i] = HalfFloats.ToFloat(q[i]) * (float)settings.Scale;
            sum[i] = 0;
        }
        for (int position = first, count; position < length; position += count)
        {
            count = RowsAt(position);
            T* key = Row(sequence.Keys, position);
            for (int i = 0; i < count; i++, key += rowStride)
            {
                for (int g = 0; g < group; g++) scores[g * stride + (position - first) + i] = Dot(query + g * width, key, width);
            }
        }
        for (int g = 0; g < group; g++) Softmax(scores + g * stride, seen, (int)stride, settings.Softcap);
        for (int position = first, count; position < length; position += count)
        {
            count = RowsAt(position);
            T* value = Row(sequence.Values, position);
            for (int g = 0; g < group; g++) AddWeighted(sum + g * width, value, rowStride, scores + g * stride + (position - first), count, width);
        }
        for (int i = 0; i < group * width; i++) y[i] = HalfFloats.FromFloat<T>(sum[i]);
    }

    /// <summary>In place, over whole vectors of which <paramref name="count"/> values matter.</summary>
    private static void Softmax(float* scores, int count, int padded, double? softcap)
    {
        if (softcap is { } cap)
        {
            for (int i = 0; i < count; i++) scores[i] = (float)cap * MathF.Tanh(scores[i] / (float)cap);
        }
        for (int i = count; i < padded; i++) scores[i] = float.NegativeInfinity;
        int lanes = Vector<float>.Count;
        Vector<float> highest = Vector.Load(scores), total = Vector<float>.Zero;
        for (int i = lanes; i < padded; i += lanes) highest = Vector.Max(highest, Vector.Load(scores + i));
        Vector<float> shift = new(Highest(highest));
        for (int i = 0; i < padded; i += lanes)
        {
            Vector<float> power = Vector.Exp(Vector.Load(scores + i) - shift);
            power.Store(scores + i);
            total += power;
        }
        Vector<float> inverse = new(1 / Vector.Sum(total));
        for (int i = 0; i < padded; i += lanes) (Vector.Load(scores + i) * inverse).Store(scores + i);
    }

    private static float Highest(Vector<float> values)
    {
        float highest = values[0];
        for (int i = 1; i < Vector<float>.Count; i++) highest = MathF.Max(highest, values[i]);
        return highest;
    }

    private static float Dot<T>(float* x, T* row, int width) where T : unmanaged
    {
        Vector<float> even = Vector<float>.Zero, odd = Vector<float>.Zero;
        for (int i = 0; i < width; i += HalfFloats.Lanes)
        {
            (Vector<float> low, Vector<float> high) = HalfFloats.Load(row + i);
            even = Vector.FusedMultiplyAdd(Vector.Load(x + i), low, even);
            odd = Vector.FusedMultiplyAdd(Vector.Load(x + i + Vector<float>.Count), high, odd);
        }
        return Vector.Sum(even + odd);
    }

    /// <summary>Adds rows times their weights to the sum, a few columns at a time whose sums stay in registers.</summary>
    private static void AddWeighted<T>(float* sum, T* rows, long rowStride, float* weights, int count, int width) where T : unmanaged
    {
        for (int column = 0; column < width; column += HalfFloats.Lanes)
        {
            float* lowSum = sum + column, highSum = lowSum + Vector<float>.Count;
            T* row = rows + column;
            Vector<float> a = Vector.Load(lowSum), b = Vector.Load(highSum);
            for (int i = 0; i < count; i++, row += rowStride)
            {
                Vector<float> weight = new(weights[i]);
                (Vector<float> low, Vector<float> high) = HalfFloats.Load(row);
                a = Vector.FusedMultiplyAdd(weight, low, a);
                b = Vector.FusedMultiplyAdd(weight, high, b);
            }
            a.Store(lowSum);
            b.Store(highSum);
        }
    }

    private readonly record struct Shape(int Heads, int KeyHeads, int Width)
    {
        public int Group => Heads / KeyHeads;
    }
}
