using Lema.Engine.Models.Autodiff;
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
        long heads = q.shape[1], width = q.shape[2];
        ChunkedAttention attention = new(settings, pass.Shared);
        if (pass.States is { } states)
        {
            bool decodes = q.shape[0] == states.Count && pass.Batch.Segments.All(segment => segment.Length == 1) && DecodeAttention.Supports(q);
            return new(decodes ? Decode(pass.Layer, states, q, k, v, settings) : Cached(pass, states, q, k, v, attention));
        }

        Tensor output = empty_like(q), logSum = empty([q.shape[0], heads], ScalarType.Float32, q.device);
        foreach ((long start, long count, long length) in Groups(pass.Batch.Segments, heads))
        {
            using var scope = NewDisposeScope();
            (Tensor y, Tensor sums) = attention.Forward(
                ToQueries(q, start, count, length, k.shape[1]), ToKeys(k, start, count, length), ToKeys(v, start, count, length));
            FromQueries(y, output.narrow(0, start, count * length), count);
            FromQueries(sums.unsqueeze(-1), logSum.narrow(0, start, count * length).unsqueeze(-1), count);
        }
        return pass.Record(output.view(-1, heads * width), [q, k, v, output, logSum], gradient =>
        {
            using var scope = NewDisposeScope();
            Tensor dy = gradient.view(-1, heads, width), dQ = empty_like(q), dK = empty_like(k), dV = empty_like(v);
            foreach ((long start, long count, long length) in Groups(pass.Batch.Segments, heads))
            {
                using var groupScope = NewDisposeScope();
                (Tensor dq, Tensor dk, Tensor dv) = attention.Backward(
                    ToQueries(q, start, count, length, k.shape[1]), ToKeys(k, start, count, length), ToKeys(v, start, count, length),
                    ToQueries(output, start, count, length, k.shape[1]), ToQueries(logSum.unsqueeze(-1), start, count, length, k.shape[1]).squeeze(-1),
                    ToQueries(dy, start, count, length, k.shape[1]));
                FromQueries(dq, dQ.narrow(0, start, count * length), count);
                FromKeys(dk, dK.narrow(0, start, count * length), count);
                FromKeys(dv, dV.narrow(0, start, count * length), count);
            }
            queries.Accumulate(dQ.MoveToOuterDisposeScope());
            keys.Accumulate(dK.MoveToOuterDisposeScope());
            values.Accumulate(dV.MoveToOuterDisposeScope());
        });
    }

    private static Tensor Decode(int layer, IReadOnlyList<SequenceState> states, Tensor q, Tensor k, Tensor v, AttentionSettings settings)
    {
        using var scope = NewDisposeScope();
        Tensor output = empty_like(q), queries = q.contiguous(), keys = k.contiguous(), values = v.contiguous();
        DecodeAttention.Sequence[] sequences = [.. states.Select((state, i) => DecodeAttention.Append(state, layer, i, keys, values))];
        DecodeAttention.Run(queries, output, sequences, settings);
        return output.view(-1, q.shape[1] * q.shape[2]).MoveToOuterDisposeScope();
    }

    private static Tensor Cached(LayerPass pass, IReadOnlyList<SequenceState> states, Tensor q, Tensor k, Tensor v, ChunkedAttention attention)
    {
        Tensor output = empty_like(q);
        for (int i = 0; i < states.Count; i++)
        {
            using var scope = NewDisposeScope();
            Segment segment = pass.Batch.Segments[i];
            (Tensor allKeys, Tensor allValues) = states[i].Append(
                pass.Layer, k.narrow(0, segment.Start, segment.Length), v.narrow(0, segment.Start, segment.Length));
            (Tensor y, _) = attention.Forward(
                ToQueries(q, segment.Start, 1, segment.Length, k.shape[1]), ToKeys(allKeys, 0, 1, allKeys.shape[0]), ToKeys(allValues, 0, 1, allValues.shape[0]));
            FromQueries(y, output.narrow(0, segment.Start, segment.Length), 1);
        }
        return output.view(-1, q.shape[1] * q.shape[2]);
    }

    /// <summary>Runs of neighbouring segments of one length, cut so that a run's scores stay bounded.</summary>
    private static IEnumerable<(long Start, long Count, long Length)> Groups(IReadOnlyList<Segment> segments, long heads)
    {
        for (int i = 0; i < segments.Count;)
        {
            long length = segments[i].Length, most = Math.Max(1, ScoreElementsAtOnce / (heads * length * length));
            int end = i + 1;
            while (end < segments.Count && segments[end].Length == length && end - i < most) end++;
            yield return (segments[i].Start, end - i, length);
            i = end;
        }
    }

    // [tokens, heads, d] -> [count * key heads, heads / key heads, length, d]
    private static Tensor ToQueries(Tensor x, long start, long count, long length, long keyHeads)
    {
        long group = x.shape[1] / keyHeads;
        return x.narrow(0, start, count * length).view(count, length, keyHeads, group, x.shape[2]).permute(0, 2, 3, 1, 4)
            .reshape(count * keyHeads, group, length, x.shape[2]);
    }

    // [tokens, key heads, d] -> [count * key heads, length, d]
    private static Tensor ToKeys(Tensor x, long start, long count, long length) =>
        x.narrow(0, start, count * length).view(count, length, x.shape[1], x.shape[2]).transpose(1, 2).reshape(count * x.shape[1], length, x.shape[2]);

    private static void FromQueries(Tensor x, Tensor target, long count)
    {
        long keyHeads = x.shape[0] / count, group = x.shape[1], length = x.shape[2], width = x.shape[3];
        target.view(count, length, keyHeads, group, width).copy_(x.view(count, keyHeads, group, length, width).permute(0, 3, 1, 2, 4));
    }

    private static void FromKeys(Tensor x, Tensor target, long count)
    {
        long keyHeads = x.shape[0] / count, length = x.shape[1], width = x.shape[2];
        target.view(count, length, keyHeads, width).copy_(x.view(count, keyHeads, length, width).transpose(1, 2));
    }
}
