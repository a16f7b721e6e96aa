using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.PreTokenizers;

/// <summary>Words and runs of other signs, without the white space between: <c>\w+|[^\w\s]+</c>.</summary>
internal sealed class WordSplit : PreTokenizer
{
    private enum Kind { Space, Word, Other }

    public override void Split(Piece piece, IPieceSink next)
    {
        ReadOnlySpan<char> text = piece.Span;
        int start = 0;
        Kind run = Kind.Space;
        for (int at = 0, length; at < text.Length; at += length)
        {
            int point = CharacterClass.CodePointAt(text, at, out length);
            Kind kind = CharacterClass.IsWord(point) ? Kind.Word : CharacterClass.IsSpace(point) ? Kind.Space : Kind.Other;
            if (kind == run) continue;
            if (run != Kind.Space) next.Take(piece.Slice(start, at - start));
            (start, run) = (at, kind);
        }
        if (run != Kind.Space) next.Take(piece.Slice(start, text.Length - start));
    }
}
