using static TorchSharp.torch;

namespace Lema.Engine.Models;

/// <summary>
/// Neighbouring segments that attention takes as one batch of <paramref name="Count"/> sequences of <paramref name="Length"/> tokens. Where their own lengths differ they
/// are padded on the right: under a causal mask no real token sees the padding, and the padding's own results are dropped.
/// </summary>
/// <param name="Start">First token of the group in the batch.</param>
/// <param name="Tokens">Tokens without padding.</param>
/// <param name="Pad">int64 [Count * Length]: token of the group at each padded place; null where nothing is padded.</param>
/// <param name="Unpad">int64 [Tokens]: padded place of each token.</param>
/// <param name="IsToken">[Count * Length, 1, 1], 0 on padding.</param>
public sealed record SegmentGroup(int Start, int Tokens, int Count, int Length, Tensor? Pad, Tensor? Unpad, Tensor? IsToken) : IDisposable
{
    // More padding than this costs more than another batch.
    private const double MostPadding = 1.3;

    /// <summary>Divides segments into groups.</summary>
    /// <param name="mostScores">Bounds count * length^2 of a group that has more than one segment.</param>
    public static IEnumerable<SegmentGroup> Divide(IReadOnlyList<Segment> segments, long mostScores, Device device)
    {
        for (int first = 0; first < segments.Count;)
        {
            int end = first + 1, longest = segments[first].Length;
            long tokens = longest;
            while (end < segments.Count)
            {
                long length = Math.Max(longest, segments[end].Length), count = end - first + 1;
                if (count * length * length > mostScores || count * length > MostPadding * (tokens + segments[end].Length)) break;
                (longest, tokens) = ((int)length, tokens + segments[end].Length);
                end++;
            }
            yield return Of([.. segments.Skip(first).Take(end - first)], longest, device);
            first = end;
        }
    }

    /// <summary>[batch tokens, heads, d] -> [Count * Length, heads, d].</summary>
    public Tensor ToPadded(Tensor x) => Pad is null ? x.narrow(0, Start, Tokens) : x.narrow(0, Start, Tokens).index_select(0, Pad);

    /// <summary>The same, with zeros on padding.</summary>
    public Tensor ToZeroPadded(Tensor x) => Pad is null ? ToPadded(x) : ToPadded(x).mul_(IsToken!.to(x.dtype));

    /// <summary>[Count * Length, heads, d] -> the group's tokens of [batch tokens, heads, d].</summary>
    public void CopyTokens(Tensor padded, Tensor target) => target.narrow(0, Start, Tokens).copy_(Unpad is null ? padded : padded.index_select(0, Unpad));

    public void Dispose()
    {
        Pad?.Dispose();
        Unpad?.Dispose();
        IsToken?.Dispose();
    }

    private static SegmentGroup Of(Segment[] segments, int length, Device device)
    {
        int start = segments[0].Start, tokens = segments.Sum(segment => segment.Length);
        if (tokens == segments.Length * length) return new(start, tokens, segments.Length, length, null, null, null);
        using var scope = NewDisposeScope();
        Tensor pad = tensor(segments.SelectMany(s => Enumerable.Range(0, length).Select(t => (long)(s.Start - start + Math.Min(t, s.Length - 1)))).ToArray(), device: device);
        Tensor unpad = tensor(segments.SelectMany((s, i) => Enumerable.Range(0, s.Length).Select(t => (long)i * length + t)).ToArray(), device: device);
        Tensor isToken = tensor(segments.SelectMany(s => Enumerable.Range(0, length).Select(t => t < s.Length ? 1f : 0f)).ToArray(), device: device).view(-1, 1, 1);
        return new(start, tokens, segments.Length, length, pad.DetachFromDisposeScope(), unpad.DetachFromDisposeScope(), isToken.DetachFromDisposeScope());
    }
}
