namespace Lema.Engine.Datasets.Tokenizers.Text;

/// <summary>A part of a normalized segment, on its way through the pre-tokenizers to the model.</summary>
internal readonly record struct Piece(AlignedText Source, int Start, int Length)
{
    public ReadOnlySpan<char> Span => Source.Text.AsSpan(Start, Length);

    /// <summary>Whether the piece stands at the very beginning of the whole text.</summary>
    public bool IsFirst => Start == 0 && Source.Offset == 0;

    public Piece Slice(int start, int length) => new(Source, Start + start, length);
}

/// <summary>The next station of a piece: another pre-tokenizer, or the model.</summary>
internal interface IPieceSink
{
    void Take(Piece piece);
}
