using Lema.Engine.Datasets.Tokenizers.Patterns;
using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.PreTokenizers;

/// <summary>Splits at the matches of a pattern.</summary>
/// <param name="invert">What the pattern matches are the words, and what lies between is the separator.</param>
internal sealed class PatternSplit(ITextPattern pattern, SplitBehavior behavior, bool invert) : PreTokenizer
{
    public override void Split(Piece piece, IPieceSink next)
    {
        ReadOnlySpan<char> text = piece.Span;
        SplitWriter writer = new(piece, behavior, next);
        PatternMatches matches = new(pattern, text);
        int at = 0;
        while (matches.Next(out int start, out int length))
        {
            if (start > at) writer.Add(start - at, separator: invert);
            writer.Add(length, separator: !invert);
            at = start + length;
        }
        if (at < text.Length) writer.Add(text.Length - at, separator: invert);
        writer.Finish();
    }
}
