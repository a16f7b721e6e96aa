using static TorchSharp.torch;

namespace Lema.Engine.Models;

/// <summary>One sequence within a <see cref="TokenBatch"/>: tokens [Start, Start + Length), the first of which stands at position Past.</summary>
public readonly record struct Segment(int Start, int Length, int Past);

/// <summary>
/// The tokens of one micro-batch laid end to end without padding: every operation but attention and convolution works on tokens alone, and those two stay
/// within a segment. So rows of unequal length cost what their tokens cost, and several rows packed into one sequence cannot see each other.
/// </summary>
public sealed class TokenBatch : IDisposable
{
    private SegmentGroup[]? _groups;

    public TokenBatch(IReadOnlyList<long> ids, IEnumerable<int> lengths, IEnumerable<int>? past = null, Device? device = null)
    {
        Ids = [.. ids];
        Segments = Divide(lengths, past);
        if (Segments.Sum(segment => segment.Length) != Ids.Length) throw new ArgumentException("The lengths do not add up to the tokens.", nameof(lengths));
        Positions = tensor(Segments.SelectMany(s => Enumerable.Range(s.Past, s.Length)).Select(p => (long)p).ToArray(), device: device).DetachFromDisposeScope();
    }

    public long[] Ids { get; }

    public IReadOnlyList<Segment> Segments { get; }

    public int TokenCount => Ids.Length;

    /// <summary>[tokens] position of each token in its sequence.</summary>
    public Tensor Positions { get; }

    /// <summary>The segments as attention takes them, computed once for all layers.</summary>
    /// <param name="mostScores">Bounds count * length^2 of a group.</param>
    public IReadOnlyList<SegmentGroup> Groups(long mostScores) => _groups ??= [.. SegmentGroup.Divide(Segments, mostScores, Positions.device)];

    public void Dispose()
    {
        Positions.Dispose();
        foreach (SegmentGroup group in _groups ?? []) group.Dispose();
    }

    private static Segment[] Divide(IEnumerable<int> lengths, IEnumerable<int>? past)
    {
        int start = 0;
        return [.. lengths.Zip(past ?? Enumerable.Repeat(0, int.MaxValue), (length, before) =>
        {
            Segment segment = new(start, length, before);
            start += length;
            return segment;
        })];
    }
}
