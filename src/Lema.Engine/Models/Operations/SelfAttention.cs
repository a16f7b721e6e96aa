using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Sequences;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>Causal self-attention of every segment of a batch with itself and, when generating, with what came before it.</summary>
public static class SelfAttention
{
    // Bounds the float32 scores of one call: larger batches are taken in parts.
    private const long ScoreElementsAtOnce = 8 << 20;

    /// <summary>queries [tokens, heads, d], keys and values [tokens, key heads, d] -> [tokens, heads * d].</summary>
    public static Variable Attend(this LayerPass pass, Variable queries, Variable keys, Variable values, AttentionSettings settings)
    {
        Tensor q = queries.Value, k = keys.Value, v = values.Value;
        long heads = q.size(1), width = q.size(2);
        if (pass.States is { } states)
        {
            bool decodes = q.size(0) == states.Count && pass.Batch.Segments.All(segment => segment.Length == 1) && DecodeAttention.Supports(q)
                && states.All(state => state.Cache(pass.Layer).IsOnDevice);
            return new(decodes ? Decode(pass.Layer, states, q, k, v, settings) : Cached(pass, states, q, k, v, new(settings, pass.Shared, keyChunk: states[0].ChunkTokens)));
        }

        ChunkedAttention attention = new(settings, pass.Shared);
        DenseAttention dense = new(settings, pass.Shared);
        long keyHeads = k.size(1);
        Tensor output = empty_like(q), logSum = empty([q.size(0), heads, 1], ScalarType.Float32, q.device);
        foreach (SegmentGroup group in pass.Batch.Groups(ScoreElementsAtOnce / heads))
        {
            using var scope = NewDisposeScope();
            (Tensor groupQ, Tensor groupK, Tensor groupV) = (Queries(group, group.ToPadded(q), keyHeads), Keys(group, group.ToPadded(k)), Keys(group, group.ToPadded(v)));
            if (DenseAttention.Supports(settings, group.Length))
            {
                group.CopyTokens(FromQueries(group, dense.Forward(groupQ, groupK, groupV)), output);
                continue;
            }
            (Tensor y, Tensor sums) = attention.Forward(groupQ, groupK, groupV);
            group.CopyTokens(FromQueries(group, y), output);
            group.CopyTokens(FromQueries(group, sums.unsqueeze(-1)), logSum);
        }
        return pass.Record(output.view(-1, heads * width), [q, k, v, output, logSum], gradient =>
        {
            using var scope = NewDisposeScope();
            Tensor dy = gradient.view(-1, heads, width), dQ = empty_like(q), dK = empty_like(k), dV = empty_like(v);
            foreach (SegmentGroup group in pass.Batch.Groups(ScoreElementsAtOnce / heads))
            {
                using var groupScope = NewDisposeScope();
                (Tensor groupQ, Tensor groupK, Tensor groupV) = (Queries(group, group.ToPadded(q), keyHeads), Keys(group, group.ToPadded(k)), Keys(group, group.ToPadded(v)));
                Tensor groupDy = Queries(group, group.ToZeroPadded(dy), keyHeads);
                (Tensor dq, Tensor dk, Tensor dv) = DenseAttention.Supports(settings, group.Length)
                    ? dense.Backward(groupQ, groupK, groupV, groupDy)
                    : attention.Backward(groupQ, groupK, groupV, Queries(group, group.ToPadded(output), keyHeads), Queries(group, group.ToPadded(logSum), keyHeads).squeeze(-1), groupDy);
                group.CopyTokens(FromQueries(group, dq), dQ);
                group.CopyTokens(FromKeys(group, dk), dK);
                group.CopyTokens(FromKeys(group, dv), dV);
            }
            queries.Accumulate(dQ.MoveToOuterDisposeScope());
            keys.Accumulate(dK.MoveToOuterDisposeScope());
            values.Accumulate(dV.MoveToOuterDisposeScope());
        });
    }

    private static Tensor Decode(int layer, IReadOnlyList<SequenceState> states, Tensor q, Tensor k, Tensor v, AttentionSettings settings)
    {
        using var scope = NewDisposeScope();
        static Tensor Contiguous(Tensor x) => x.is_contiguous() ? x : x.contiguous();
        Tensor output = empty([q.size(0), q.size(1) * q.size(2)], q.dtype), queries = Contiguous(q), keys = Contiguous(k), values = Contiguous(v);
        DecodeAttention.Sequence[] sequences = [.. states.Select((state, i) => DecodeAttention.Append(state.Cache(layer), i, keys, values))];
        DecodeAttention.Run(queries, output, sequences, (int)k.size(1), settings);
        foreach (SequenceState state in states) state.Cache(layer).Trim();
        return output.MoveToOuterDisposeScope();
    }

    private static Tensor Cached(LayerPass pass, IReadOnlyList<SequenceState> states, Tensor q, Tensor k, Tensor v, ChunkedAttention attention)
    {
        Tensor output = empty_like(q);
        for (int i = 0; i < states.Count; i++)
        {
            using var scope = NewDisposeScope();
            Segment segment = pass.Batch.Segments[i];
            KeyValueCache cache = states[i].Cache(pass.Layer);
            cache.Append(k.narrow(0, segment.Start, segment.Length), v.narrow(0, segment.Start, segment.Length));
            SegmentGroup queries = new(segment.Start, segment.Length, 1, segment.Length, null, null, null);
            (Tensor y, _) = attention.Forward(Queries(queries, queries.ToPadded(q), k.size(1)), cache.Length, (from, count) =>
            {
                (Tensor keys, Tensor values) = cache.Read(from, count);
                return (keys.transpose(0, 1), values.transpose(0, 1));
            });
            queries.CopyTokens(FromQueries(queries, y), output);
            cache.Trim();
        }
        return output.view(-1, q.size(1) * q.size(2));
    }

    // [count * length, heads, d] -> [count * key heads, heads / key heads, length, d]
    private static Tensor Queries(SegmentGroup group, Tensor x, long keyHeads) =>
        x.view(group.Count, group.Length, keyHeads, x.size(1) / keyHeads, x.size(2)).permute(0, 2, 3, 1, 4)
            .reshape(group.Count * keyHeads, x.size(1) / keyHeads, group.Length, x.size(2));

    // [count * length, key heads, d] -> [count * key heads, length, d]
    private static Tensor Keys(SegmentGroup group, Tensor x) =>
        x.view(group.Count, group.Length, x.size(1), x.size(2)).transpose(1, 2).reshape(group.Count * x.size(1), group.Length, x.size(2));

    // [count * key heads, group, length, d] -> [count * length, heads, d]
    private static Tensor FromQueries(SegmentGroup group, Tensor x)
    {
        long keyHeads = x.size(0) / group.Count;
        return x.view(group.Count, keyHeads, x.size(1), group.Length, x.size(3)).permute(0, 3, 1, 2, 4).reshape(group.Count * group.Length, keyHeads * x.size(1), x.size(3));
    }

    private static Tensor FromKeys(SegmentGroup group, Tensor x)
    {
        long keyHeads = x.size(0) / group.Count;
        return x.view(group.Count, keyHeads, group.Length, x.size(2)).transpose(1, 2).reshape(group.Count * group.Length, keyHeads, x.size(2));
    }
}
