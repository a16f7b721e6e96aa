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

    // Below this number of multiplications a second thread costs more than it saves.
    private const long ParallelWork = 1 << 16;

    /// <summary>
    /// One sequence: its keys and values in chunks [<paramref name="ChunkTokens"/>, key heads, d], of which <paramref name="Length"/> tokens count, the new one included.
    /// </summary>
    public readonly record struct Sequence(IReadOnlyList<Tensor> Keys, IReadOnlyList<Tensor> Values, int ChunkTokens, int Length);

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
        return new Sequence([.. cache.Keys], [.. cache.Values], cache.ChunkTokens, cache.Length);
    }

    /// <summary>queries [sequences, heads, d] -> output of the same shape, both contiguous.</summary>
    public static void Run(Tensor queries, Tensor output, IReadOnlyList<Sequence> sequences, AttentionSettings settings)
    {
        Shape shape = new((int)queries.size(1), (int)sequences[0].Keys[0].size(1), (int)queries.size(2));
        nint q = TensorMemory.Pointer(queries), y = TensorMemory.Pointer(output);
        Place[] places = [.. sequences.Select(s => new Place([.. s.Keys.Select(TensorMemory.Pointer)], [.. s.Values.Select(TensorMemory.Pointer)], s.ChunkTokens, s.Length))];
        bool half = queries.dtype == ScalarType.BFloat16;
        void One(int item)
        {
            int sequence = item / shape.KeyHeads, head = item % shape.KeyHeads;
            if (half) Attend<ushort>(q, y, places[sequence], sequence, head, shape, settings);
            else Attend<float>(q, y, places[sequence], sequence, head, shape, settings);
        }

        int items = places.Length * shape.KeyHeads;
        long work = 2L * shape.Heads * shape.Width * places.Sum(place => (long)place.Length);
        if (work >= ParallelWork)
        {
            ComputeTeam.Shared.Run(items, One);
            return;
        }
        for (int item = 0; item < items; item++) One(item);
    }

    private static void Copy(Tensor source, int row, Tensor target, int targetRow, long bytes) =>
        Buffer.MemoryCopy((void*)(TensorMemory.Pointer(source) + (nint)(row * bytes)), (void*)(TensorMemory.Pointer(target) + (nint)(targetRow * bytes)), bytes, bytes);

    /// <summary>The query heads that share one key head of one sequence.</summary>
    private static void Attend<T>(nint queries, nint output, Place place, int sequence, int keyHead, Shape shape, AttentionSettings settings)
        where T : unmanaged
    {
        int width = shape.Width, group = shape.Heads / shape.KeyHeads, length = place.Length;
        int first = settings.Window is { } window ? Math.Max(0, length - window) : 0, seen = length - first;
        long rowStride = (long)shape.KeyHeads * width;
        T* q = (T*)queries + ((long)sequence * shape.Heads + (long)keyHead * group) * width;
        T* y = (T*)output + ((long)sequence * shape.Heads + (long)keyHead * group) * width;
        T* Row(nint[] chunks, int position) => (T*)chunks[position / place.ChunkTokens] + position % place.ChunkTokens * rowStride + (long)keyHead * width;

        float* buffer = (float*)NativeMemory.AlignedAlloc((nuint)(sizeof(float) * ((long)group * seen + 2L * group * width)), 64);
        try
        {
            float* scores = buffer + 2L * group * width, query = buffer, sum = buffer + (long)group * width;
            for (int i = 0; i < group * width; i++)
            {
                query[i] = HalfFloats.ToFloat(q[i]) * (float)settings.Scale;
                sum[i] = 0;
            }
            for (int position = 0; position < seen; position++)
            {
                T* key = Row(place.Keys, first + position);
                for (int g = 0; g < group; g++) scores[g * seen + position] = Dot(query + g * width, key, width);
            }
            for (int g = 0; g < group; g++) Softmax(new Span<float>(scores + g * seen, seen), settings.Softcap);
            for (int position = 0; position < seen; position++)
            {
                T* value = Row(place.Values, first + position);
                for (int g = 0; g < group; g++) AddScaled(sum + g * width, value, scores[g * seen + position], width);
            }
            for (int i = 0; i < group * width; i++) y[i] = HalfFloats.FromFloat<T>(sum[i]);
        }
        finally
        {
            NativeMemory.AlignedFree(buffer);
        }
    }

    private static void Softmax(Span<float> scores, double? softcap)
    {
        if (softcap is { } cap)
        {
            foreach (ref float score in scores) score = (float)cap * MathF.Tanh(score / (float)cap);
        }
        float highest = float.MinValue, total = 0;
        foreach (float score in scores) highest = MathF.Max(highest, score);
        foreach (ref float score in scores) total += score = MathF.Exp(score - highest);
        foreach (ref float score in scores) score /= total;
    }

    private static float Dot<T>(float* x, T* row, int width) where T : unmanaged
    {
        Vector<float> even = Vector<float>.Zero, odd = Vector<float>.Zero;
        for (int i = 0; i < width; i += 2 * Vector<float>.Count)
        {
            (Vector<float> low, Vector<float> high) = HalfFloats.Load(row + i);
            even += Vector.Load(x + i) * low;
            odd += Vector.Load(x + i + Vector<float>.Count) * high;
        }
        return Vector.Sum(even + odd);
    }

    private static void AddScaled<T>(float* sum, T* row, float weight, int width) where T : unmanaged
    {
        Vector<float> broadcast = new(weight);
        for (int i = 0; i < width; i += 2 * Vector<float>.Count)
        {
            (Vector<float> low, Vector<float> high) = HalfFloats.Load(row + i);
            (Vector.Load(sum + i) + broadcast * low).Store(sum + i);
            (Vector.Load(sum + i + Vector<float>.Count) + broadcast * high).Store(sum + i + Vector<float>.Count);
        }
    }

    private readonly record struct Shape(int Heads, int KeyHeads, int Width);

    private sealed record Place(nint[] Keys, nint[] Values, int ChunkTokens, int Length);
}
