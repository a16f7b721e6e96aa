using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.PreTokenizers;

/// <summary>Splits at single code points: digits, punctuation, white space, a delimiter.</summary>
/// <param name="isSeparator">Whether a code point separates.</param>
internal sealed class CharacterSplit(Func<int, bool> isSeparator, SplitBehavior behavior) : PreTokenizer
{
    public static PreTokenizer Digits(bool individual) =>
        new CharacterSplit(IsNumber, individual ? SplitBehavior.Isolated : SplitBehavior.Contiguous);

    public static PreTokenizer WhitespaceSplit() => new CharacterSplit(CharacterClass.IsSpace, SplitBehavior.Removed);

    public static PreTokenizer Punctuation(SplitBehavior behavior) => new CharacterSplit(CharacterClass.IsPunctuation, behavior);

    public static PreTokenizer Delimiter(int delimiter) => new CharacterSplit(point => point == delimiter, SplitBehavior.Removed);

    public override void Split(Piece piece, IPieceSink next)
    {
        ReadOnlySpan<char> text = piece.Span;
        SplitWriter writer = new(piece, behavior, next);
        int plain = 0;
        for (int at = 0, length; at < text.Length; at += length)
        {
            int point = CharacterClass.CodePointAt(text, at, out length);
            if (!isSeparator(point))
            {
                plain += length;
                continue;
            }
            if (plain > 0) writer.Add(plain, separator: false);
            writer.Add(length, separator: true);
            plain = 0;
        }
        if (plain > 0) writer.Add(plain, separator: false);
        writer.Finish();
    }

    private static bool IsNumber(int point) => (CharacterClass.Of(point) & CharacterClass.Number) != 0;
}
