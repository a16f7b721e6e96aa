using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.PreTokenizers;

/// <summary>
/// GPT-2's pre-tokenizer: cuts words by its regular expression and hands them on for a byte-level model.
/// <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>, by hand because it is the hot loop of most tokenizers.
/// </summary>
/// <param name="addPrefixSpace">A piece that does not begin with a space gets one.</param>
/// <param name="useRegex">False: the piece stays whole.</param>
internal sealed class ByteLevelSplit(bool addPrefixSpace, bool useRegex) : PreTokenizer
{
    public override void Split(Piece piece, IPieceSink next)
    {
        if (addPrefixSpace && !piece.Span.StartsWith(' ')) piece = Prefixed(piece);
        if (!useRegex)
        {
            next.Take(piece);
            return;
        }
        ReadOnlySpan<char> text = piece.Span;
        for (int at = 0; at < text.Length;)
        {
            int length = WordLength(text[at..]);
            next.Take(piece.Slice(at, length));
            at += length;
        }
    }

    private static Piece Prefixed(Piece piece)
    {
        AlignedText changed = piece.Source.Changed($" {piece.Span}", builder =>
        {
            builder.Replace(piece.Start, 0, 1);
            builder.Keep(piece.Start, piece.Length);
        });
        return new Piece(changed, 0, piece.Length + 1);
    }

    private static int WordLength(ReadOnlySpan<char> text)
    {
        if (text[0] == '\'' && Contraction(text) is var contraction and > 0) return contraction;
        int start = text[0] == ' ' && text.Length > 1 ? 1 : 0;
        byte kind = CharacterClass.At(text, start, out int length);
        if (kind != CharacterClass.Space) return RunEnd(text, start + length, kind);

        // \s+(?!\S): the last space of a run belongs to the word after it, if the run has more than one. White space is one unit each.
        int end = RunEnd(text, 1, CharacterClass.Space);
        return end == text.Length ? end : Math.Max(end - 1, 1);
    }

    private static int RunEnd(ReadOnlySpan<char> text, int at, byte kind)
    {
        while (at < text.Length && CharacterClass.At(text, at, out int length) == kind) at += length;
        return at;
    }

    private static int Contraction(ReadOnlySpan<char> text)
    {
        if (text.Length < 2) return 0;
        if (text[1] is 's' or 't' or 'm' or 'd') return 2;
        if (text.Length < 3) return 0;
        return (text[1], text[2]) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 3 : 0;
    }
}
