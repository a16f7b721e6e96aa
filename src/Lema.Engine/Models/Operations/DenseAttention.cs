using Lema.Engine.Devices;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>
/// Exact causal attention of sequences so short that some queries can see all their keys at once: the softmax is one pass over scores that stay in the
/// cache, and keys that no query of a chunk may see are skipped. Longer sequences and capped scores: <see cref="ChunkedAttention"/>. Shapes as there, with S = T.
/// </summary>
public sealed class DenseAttention(AttentionSettings settings, PassConstants shared, int queryChunk = 128)
{
    private const int LongestSequence = 1024;

    public static bool Supports(AttentionSettings settings, long length) => settings.Softcap is null && length <= LongestSequence;

    /// <summary>Output [batch, group, T, d] in the type of the queries.</summary>
    public Tensor Forward(Tensor queries, Tensor keys, Tensor values)
    {
        using var scope = NewDisposeScope();
        Tensor output = empty_like(queries);
        foreach (Chunk chunk in Chunks(queries))
        {
            using var chunkScope = NewDisposeScope();
            Tensor weights = Weights(chunk, Scaled(chunk, queries), chunk.Keys(keys));
            output.narrow(2, chunk.Start, chunk.Count).copy_(chunk.Unflatten(MatrixProduct.Multiply(weights, chunk.Keys(values))));
        }
        return output.MoveToOuterDisposeScope();
    }

    /// <summary>Gradients of queries, keys and values, in their shapes and types, from that of the output.</summary>
    public (Tensor Queries, Tensor Keys, Tensor Values) Backward(Tensor queries, Tensor keys, Tensor values, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        Tensor dQueries = empty_like(queries);
        Tensor dKeys = zeros(keys.shape, ScalarType.Float32, keys.device), dValues = zeros(keys.shape, ScalarType.Float32, keys.device);
        foreach (Chunk chunk in Chunks(queries))
        {
            using var chunkScope = NewDisposeScope();
            Tensor q = Scaled(chunk, queries), k = chunk.Keys(keys), dy = chunk.Flatten(gradient), weights = Weights(chunk, q, k);
            chunk.Keys(dValues).add_(MatrixProduct.Multiply(weights.transpose(1, 2), dy));
            Tensor dScores = NativeOperators.SoftmaxBackward(MatrixProduct.Multiply(dy, chunk.Keys(values).transpose(1, 2)), weights);
            dQueries.narrow(2, chunk.Start, chunk.Count).copy_(chunk.Unflatten(MatrixProduct.Multiply(dScores, k).mul_(settings.Scale)));
            chunk.Keys(dKeys).add_(MatrixProduct.Multiply(dScores.transpose(1, 2), q));
        }
        return (dQueries.MoveToOuterDisposeScope(), dKeys.to(keys.dtype).MoveToOuterDisposeScope(), dValues.to(values.dtype).MoveToOuterDisposeScope());
    }

    private Tensor Scaled(Chunk chunk, Tensor queries) => chunk.Flatten(queries).mul(settings.Scale);

    /// <summary>[batch, group * count, keys] softmax of the masked scores.</summary>
    private Tensor Weights(Chunk chunk, Tensor q, Tensor k)
    {
        Tensor scores = MatrixProduct.Multiply(q, k.transpose(1, 2));
        // Without a window only the last keys, those of the chunk's own tokens, are hidden from some of its queries.
        long hiddenFrom = settings.Window is null ? chunk.Start : chunk.FirstKey, size = chunk.End - hiddenFrom;
        Tensor mask = CausalMask.Of(shared, chunk.Count, size, size - chunk.Count, settings.Window, q.dtype, q.device);
        scores.view(scores.size(0), chunk.Group, chunk.Count, -1).narrow(3, hiddenFrom - chunk.FirstKey, size).add_(mask);
        return scores.softmax(-1);
    }

    private IEnumerable<Chunk> Chunks(Tensor queries)
    {
        long length = queries.size(2);
        for (long start = 0; start < length; start += queryChunk)
            yield return new(start, Math.Min(queryChunk, length - start), settings.Window is { } window ? Math.Max(0, start - window + 1) : 0, queries.size(1));
    }

    /// <summary>Some queries and the keys that they may see.</summary>
    private sealed record Chunk(long Start, long Count, long FirstKey, long Group)
    {
        public long End => Start + Count;

        /// <summary>[batch, T, d] -> [batch, keys, d].</summary>
        public Tensor Keys(Tensor x) => x.narrow(1, FirstKey, End - FirstKey);

        /// <summary>[batch, group, T, d] -> [batch, group * count, d].</summary>
        public Tensor Flatten(Tensor x) => x.narrow(2, Start, Count).reshape(x.size(0), Group * Count, x.size(3));

        /// <summary>[batch, group * count, d] -> [batch, group, count, d].</summary>
        public Tensor Unflatten(Tensor x) => x.view(x.size(0), Group, Count, x.size(2));
    }
}
