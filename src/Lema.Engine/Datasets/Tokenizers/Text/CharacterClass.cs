using System.Globalization;

namespace Lema.Engine.Datasets.Tokenizers.Text;

/// <summary>Unicode properties of code points, as the regular expressions of tokenizers mean them.</summary>
internal static class CharacterClass
{
    /// <summary>\p{L}.</summary>
    public const byte Letter = 1;

    /// <summary>\p{N}: Nd, Nl and No.</summary>
    public const byte Number = 2;

    /// <summary>\s: White_Space, which has U+0085 and lacks U+001C to U+001F, U+180E, U+200B and U+FEFF.</summary>
    public const byte Space = 4;

    private static readonly byte[] Basic = BasicPlane();

    /// <summary>The flags of the code point at <paramref name="index"/> and its length in UTF-16 units; a lone surrogate is a code point of its own.</summary>
    public static byte At(ReadOnlySpan<char> text, int index, out int length)
    {
        char unit = text[index];
        if (char.IsHighSurrogate(unit) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1]))
        {
            length = 2;
            return Of(CharUnicodeInfo.GetUnicodeCategory(char.ConvertToUtf32(unit, text[index + 1])));
        }
        length = 1;
        return Basic[unit];
    }

    /// <summary>The flags of one code point.</summary>
    public static byte Of(int codePoint) => codePoint < 0x10000 ? Basic[codePoint] : Of(CharUnicodeInfo.GetUnicodeCategory(codePoint));

    /// <summary>ASCII punctuation and \p{P}.</summary>
    public static bool IsPunctuation(int codePoint) => codePoint < 0x80
        ? char.IsAsciiLetterOrDigit((char)codePoint) is false && codePoint is > 0x20 and < 0x7F
        : CharUnicodeInfo.GetUnicodeCategory(codePoint) is >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation;

    public static bool IsSpace(int codePoint) => codePoint < 0x10000 && (Basic[codePoint] & Space) != 0;

    /// <summary>\w of Rust's regular expressions (UTS #18): that of <see cref="IsWordPart"/> and the two joiners.</summary>
    public static bool IsWord(int codePoint) => codePoint is 0x200C or 0x200D || IsWordPart(codePoint);

    /// <summary>Alphabetic, marks, decimal digits and connector punctuation. Alphabetic are letters, letter numbers and the circled and squared letters.</summary>
    public static bool IsWordPart(int codePoint) => CharUnicodeInfo.GetUnicodeCategory(codePoint) switch
    {
        <= UnicodeCategory.OtherLetter or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
            or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation => true,
        UnicodeCategory.OtherSymbol => codePoint is (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189),
        _ => false,
    };

    /// <summary>The code point at <paramref name="index"/> and its length in UTF-16 units.</summary>
    public static int CodePointAt(ReadOnlySpan<char> text, int index, out int length)
    {
        char unit = text[index];
        bool pair = char.IsHighSurrogate(unit) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1]);
        length = pair ? 2 : 1;
        return pair ? char.ConvertToUtf32(unit, text[index + 1]) : unit;
    }

    /// <summary>The code point that ends before <paramref name="index"/> and its length in UTF-16 units.</summary>
    public static int CodePointBefore(ReadOnlySpan<char> text, int index, out int length)
    {
        char unit = text[index - 1];
        bool pair = char.IsLowSurrogate(unit) && index >= 2 && char.IsHighSurrogate(text[index - 2]);
        length = pair ? 2 : 1;
        return pair ? char.ConvertToUtf32(text[index - 2], unit) : unit;
    }

    private static byte[] BasicPlane()
    {
        byte[] flags = new byte[0x10000];
        for (int unit = 0; unit < flags.Length; unit++)
        {
            flags[unit] = (byte)(Of(CharUnicodeInfo.GetUnicodeCategory((char)unit)) | (char.IsWhiteSpace((char)unit) ? Space : 0));
        }
        return flags;
    }

    private static byte Of(UnicodeCategory category) => category switch
    {
        <= UnicodeCategory.OtherLetter => Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Number,
        _ => 0,
    };
}
