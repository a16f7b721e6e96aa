namespace Lema.Engine.Datasets.Tokenizers.Text;

/// <summary>
/// A text that normalization may have changed and, when tracked, the range of the original that each of its UTF-16 units came from.
/// Without tracking only the text is kept, at a third of the memory.
/// </summary>
internal sealed class AlignedText
{
    private readonly int[]? _starts;
    private readonly int[]? _ends;

    /// <param name="text">An unchanged part of the original.</param>
    /// <param name="offset">Where that part begins, in UTF-16 units.</param>
    public AlignedText(string text, int offset, bool tracked) : this(text, offset, tracked, null, null)
    {
    }

    private AlignedText(string text, int offset, bool tracked, int[]? starts, int[]? ends)
    {
        Text = text;
        Offset = offset;
        Tracked = tracked;
        _starts = starts;
        _ends = ends;
    }

    public string Text { get; }

    /// <summary>Where the segment begins in the original, in UTF-16 units.</summary>
    public int Offset { get; }

    public bool Tracked { get; }

    public int StartOf(int index) => _starts is null ? Offset + index : _starts[index];

    public int EndOf(int index) => _ends is null ? Offset + index + 1 : _ends[index];

    /// <summary>The original range that the units [start, start + length) came from.</summary>
    public (int Start, int End) Original(int start, int length)
    {
        if (!Tracked) throw new InvalidOperationException("The text was not tracked.");
        return length == 0 ? (StartOf(start), StartOf(start)) : (StartOf(start), EndOf(start + length - 1));
    }

    /// <summary>A text of the same segment; where tracked, <paramref name="edit"/> says where each unit comes from.</summary>
    public AlignedText Changed(string text, Action<AlignmentBuilder> edit)
    {
        if (!Tracked) return new AlignedText(text, Offset, false);
        AlignmentBuilder builder = new(this, text.Length);
        edit(builder);
        return new AlignedText(text, Offset, true, builder.Starts(text.Length), builder.Ends(text.Length));
    }
}
