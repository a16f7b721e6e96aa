using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.PreTokenizers;

internal enum PrependScheme { Always, First, Never }

/// <summary>SentencePiece's spaces: every space becomes <c>▁</c>, one is put before the text, and words are cut before each.</summary>
internal sealed class Metaspace(char replacement, PrependScheme scheme, bool split) : PreTokenizer
{
    public override void Split(Piece piece, IPieceSink next)
    {
        bool prepend = (scheme == PrependScheme.Always || (scheme == PrependScheme.First && piece.IsFirst))
            && piece.Length > 0 && piece.Span[0] != ' ' && piece.Span[0] != replacement;
        string text = piece.Span.ToString().Replace(' ', replacement);
        AlignedText changed = piece.Source.Changed(prepend ? replacement + text : text, builder =>
        {
            if (prepend) builder.Replace(piece.Start, 0, 1);
            builder.Keep(piece.Start, piece.Length);
        });
        Piece whole = new(changed, 0, changed.Text.Length);
        if (split) CutBeforeEach(whole, next);
        else next.Take(whole);
    }

    private void CutBeforeEach(Piece whole, IPieceSink next)
    {
        SplitWriter writer = new(whole, SplitBehavior.MergedWithNext, next);
        ReadOnlySpan<char> rest = whole.Span;
        while (rest.IndexOf(replacement) is var at and >= 0)
        {
            if (at > 0) writer.Add(at, separator: false);
            writer.Add(1, separator: true);
            rest = rest[(at + 1)..];
        }
        if (rest.Length > 0) writer.Add(rest.Length, separator: false);
        writer.Finish();
    }
}
