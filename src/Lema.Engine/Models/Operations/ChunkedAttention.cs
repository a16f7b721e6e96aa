using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>
/// Exact causal attention in chunks with an online softmax (Rabe and Staats 2021; Dao et al. 2022), so that memory grows with the chunk and not with the
/// square of the length. Softmax and accumulation are float32; scores that no query may see are not computed.
/// Shapes: queries [batch, group, T, d], keys and values [batch, S, d], where batch runs over sequences and key heads, group over the query heads that share
/// a key head, and query i stands at position S - T + i.
/// </summary>
public sealed class ChunkedAttention(AttentionSettings settings, PassConstants shared, int queryChunk = 512, int keyChunk = 1024)
{
    /// <summary>Output [batch, group, T, d] in the type of the queries, and the log of each row's softmax denominator [batch, group, T], float32.</summary>
    public (Tensor Output, Tensor LogSum) Forward(Tensor queries, Tensor keys, Tensor values) =>
        Forward(queries, keys.size(1), (from, size) => (keys.narrow(1, from, size), values.narrow(1, from, size)));

    /// <summary>The same with keys and values that are brought in chunk by chunk.</summary>
    /// <param name="keyLength">S</param>
    /// <param name="read">First key and number of keys, which lie within one chunk -> keys and values [batch, number, d].</param>
    public (Tensor Output, Tensor LogSum) Forward(Tensor queries, long keyLength, Func<long, long, (Tensor Keys, Tensor Values)> read)
    {
        using var scope = NewDisposeScope();
        (long batch, long group, long length, long width) = (queries.size(0), queries.size(1), queries.size(2), queries.size(3));
        Tensor output = empty_like(queries), logSum = empty([batch, group, length], ScalarType.Float32, queries.device);
        foreach ((long start, long count) in Chunks(0, length, queryChunk))
        {
            using var chunkScope = NewDisposeScope();
            Tensor q = queries.narrow(2, start, count).reshape(batch, group * count, width);
            Tensor? highest = null, total = null, sum = null;
            foreach ((long from, long size) in KeyChunks(start, count, length, keyLength))
            {
                (Tensor k, Tensor v) = read(from, size);
                Tensor scores = Scores(q, k, group, count, start + keyLength - length - from);
                Tensor newHighest = scores.amax([-1], keepdim: true).clamp_min_(float.MinValue);
                if (highest is not null) newHighest = maximum(highest, newHighest);
                Tensor weights = scores.sub_(newHighest).exp_();
                Tensor weightSum = weights.sum([-1], keepdim: true);
                Tensor part = MatrixProduct.Multiply(weights.to(v.dtype), v).to(ScalarType.Float32);
                if (highest is null) (total, sum) = (weightSum, part);
                else
                {
                    Tensor rescale = highest.sub_(newHighest).exp_();
                    total = total!.mul_(rescale).add_(weightSum);
                    sum = sum!.mul_(rescale).add_(part);
                }
                highest = newHighest;
            }
            output.narrow(2, start, count).copy_(sum!.div_(total!).view(batch, group, count, width));
            logSum.narrow(2, start, count).copy_(total!.log_().add_(highest!).view(batch, group, count));
        }
        return (output.MoveToOuterDisposeScope(), logSum.MoveToOuterDisposeScope());
    }

    /// <summary>Gradients of queries, keys and values, in their shapes and types, from that of the output.</summary>
    public (Tensor Queries, Tensor Keys, Tensor Values) Backward(Tensor queries, Tensor keys, Tensor values, Tensor output, Tensor logSum, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        (long batch, long group, long length, long width) = (queries.size(0), queries.size(1), queries.size(2), queries.size(3));
        bool whole = length <= queryChunk && keys.size(1) <= keyChunk;
        ScalarType sumType = whole ? keys.dtype : ScalarType.Float32;
        Tensor dQueries = zeros(queries.shape, sumType, queries.device), dKeys = zeros(keys.shape, sumType, keys.device), dValues = zeros(keys.shape, sumType, keys.device);
        foreach ((long start, long count) in Chunks(0, length, queryChunk))
        {
            using var chunkScope = NewDisposeScope();
            Tensor Flat(Tensor t) => t.narrow(2, start, count).reshape(batch, group * count, width);
            Tensor q = Flat(queries), dy = Flat(gradient);
            // sum over d of dy * y: the softmax's own share of the gradient
            Tensor correction = dy.to(ScalarType.Float32).mul(Flat(output)).sum([-1], keepdim: true);
            Tensor rowLogSum = logSum.narrow(2, start, count).reshape(batch, group * count, 1);
            Tensor dQ = zeros([batch, group * count, width], sumType, q.device);
            foreach ((long from, long size) in KeyChunks(start, count, length, keys.size(1)))
            {
                Tensor k = keys.narrow(1, from, size), v = values.narrow(1, from, size);
                Tensor scores = Scores(q, k, group, count, start + keys.size(1) - length - from, out Tensor? capSlope);
                Tensor weights = scores.sub_(rowLogSum).exp_();
                dValues.narrow(1, from, size).add_(MatrixProduct.Multiply(weights.to(v.dtype).transpose(1, 2), dy));
                Tensor dScores = MatrixProduct.Multiply(dy, v.transpose(1, 2)).to(ScalarType.Float32).sub_(correction).mul_(weights).mul_(settings.Scale);
                if (capSlope is not null) dScores.mul_(capSlope);
                Tensor dS = dScores.to(q.dtype);
                dQ.add_(MatrixProduct.Multiply(dS, k));
                dKeys.narrow(1, from, size).add_(MatrixProduct.Multiply(dS.transpose(1, 2), q));
            }
            dQueries.narrow(2, start, count).copy_(dQ.view(batch, group, count, width));
        }
        return (dQueries.to(queries.dtype).MoveToOuterDisposeScope(), dKeys.to(keys.dtype).MoveToOuterDisposeScope(), dValues.to(values.dtype).MoveToOuterDisposeScope());
    }

    private Tensor Scores(Tensor q, Tensor k, long group, long count, long offset) => Scores(q, k, group, count, offset, out _);

    /// <summary>Masked float32 scores [batch, group * count, size]; query i of the chunk stands at key index offset + i of this key chunk.</summary>
    private Tensor Scores(Tensor q, Tensor k, long group, long count, long offset, out Tensor? capSlope)
    {
        Tensor scores = MatrixProduct.Multiply(q, k.transpose(1, 2)).to(ScalarType.Float32).mul_(settings.Scale);
        capSlope = null;
        if (settings.Softcap is { } cap)
        {
            Tensor tanh = scores.div_(cap).tanh_();
            capSlope = tanh.square().neg_().add_(1);
            scores = tanh.mul(cap);
        }
        long size = k.size(1);
        bool seesAll = offset >= size - 1 && (settings.Window is not { } w || offset + count - 1 - w < 0);
        if (seesAll) return scores;
        scores.view(scores.size(0), group, count, size).add_(CausalMask.Of(shared, count, size, offset, settings.Window, ScalarType.Float32, q.device));
        return scores;
    }

    /// <summary>The chunks of keys that some query of [start, start + count) may see.</summary>
    private IEnumerable<(long Start, long Count)> KeyChunks(long start, long count, long length, long keyLength)
    {
        long offset = keyLength - length;
        long first = settings.Window is { } window ? Math.Max(0, start + offset - window + 1) : 0;
        return Chunks(first, start + count + offset, keyChunk);
    }

    /// <summary>[first, end) cut at multiples of the size.</summary>
    private static IEnumerable<(long Start, long Count)> Chunks(long first, long end, int size)
    {
        for (long start = first, next; start < end; start = next)
        {
            next = Math.Min(end, (start / size + 1) * size);
            yield return (start, next - start);
        }
    }
}
