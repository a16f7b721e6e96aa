using System.Globalization;
using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.Patterns;

/// <summary>The sets that <c>\p{…}</c>, <c>\s</c>, <c>\w</c>, <c>\d</c> and POSIX brackets name: general categories, and the scripts that tokenizers use.</summary>
internal static class UnicodeProperties
{
    private static readonly Dictionary<string, UnicodeCategory> Categories = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Lu"] = UnicodeCategory.UppercaseLetter, ["Ll"] = UnicodeCategory.LowercaseLetter, ["Lt"] = UnicodeCategory.TitlecaseLetter,
        ["Lm"] = UnicodeCategory.ModifierLetter, ["Lo"] = UnicodeCategory.OtherLetter,
        ["Mn"] = UnicodeCategory.NonSpacingMark, ["Mc"] = UnicodeCategory.SpacingCombiningMark, ["Me"] = UnicodeCategory.EnclosingMark,
        ["Nd"] = UnicodeCategory.DecimalDigitNumber, ["Nl"] = UnicodeCategory.LetterNumber, ["No"] = UnicodeCategory.OtherNumber,
        ["Zs"] = UnicodeCategory.SpaceSeparator, ["Zl"] = UnicodeCategory.LineSeparator, ["Zp"] = UnicodeCategory.ParagraphSeparator,
        ["Cc"] = UnicodeCategory.Control, ["Cf"] = UnicodeCategory.Format, ["Cs"] = UnicodeCategory.Surrogate,
        ["Co"] = UnicodeCategory.PrivateUse, ["Cn"] = UnicodeCategory.OtherNotAssigned,
        ["Pc"] = UnicodeCategory.ConnectorPunctuation, ["Pd"] = UnicodeCategory.DashPunctuation, ["Ps"] = UnicodeCategory.OpenPunctuation,
        ["Pe"] = UnicodeCategory.ClosePunctuation, ["Pi"] = UnicodeCategory.InitialQuotePunctuation, ["Pf"] = UnicodeCategory.FinalQuotePunctuation,
        ["Po"] = UnicodeCategory.OtherPunctuation,
        ["Sm"] = UnicodeCategory.MathSymbol, ["Sc"] = UnicodeCategory.CurrencySymbol, ["Sk"] = UnicodeCategory.ModifierSymbol, ["So"] = UnicodeCategory.OtherSymbol,
    };

    private static readonly Dictionary<string, string> LongNames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Letter"] = "L", ["Mark"] = "M", ["Number"] = "N", ["Punctuation"] = "P", ["Symbol"] = "S", ["Separator"] = "Z", ["Other"] = "C",
        ["Uppercase_Letter"] = "Lu", ["Lowercase_Letter"] = "Ll", ["Decimal_Number"] = "Nd", ["Digit"] = "Nd", ["Punct"] = "P", ["Cntrl"] = "Cc",
    };

    /// <summary>Unicode 15.1, Scripts.txt.</summary>
    private static readonly Dictionary<string, (int First, int Last)[]> Scripts = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Han"] =
        [
            (0x2E80, 0x2E99), (0x2E9B, 0x2EF3), (0x2F00, 0x2FD5), (0x3005, 0x3005), (0x3007, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B), (0x3400, 0x4DBF),
            (0x4E00, 0x9FFF), (0xF900, 0xFA6D), (0xFA70, 0xFAD9), (0x16FE2, 0x16FE3), (0x16FF0, 0x16FF1), (0x20000, 0x2A6DF), (0x2A700, 0x2B739),
            (0x2B740, 0x2B81D), (0x2B820, 0x2CEA1), (0x2CEB0, 0x2EBE0), (0x2EBF0, 0x2EE5D), (0x2F800, 0x2FA1D), (0x30000, 0x3134A), (0x31350, 0x323AF),
        ],
        ["Hiragana"] = [(0x3041, 0x3096), (0x309D, 0x309F), (0x1B001, 0x1B11F), (0x1B132, 0x1B132), (0x1B150, 0x1B152), (0x1F200, 0x1F200)],
        ["Katakana"] =
        [
            (0x30A1, 0x30FA), (0x30FD, 0x30FF), (0x31F0, 0x31FF), (0x32D0, 0x32FE), (0x3300, 0x3357), (0xFF66, 0xFF6F), (0xFF71, 0xFF9D), (0x1AFF0, 0x1AFF3),
            (0x1AFF5, 0x1AFFB), (0x1AFFD, 0x1AFFE), (0x1B000, 0x1B000), (0x1B120, 0x1B122), (0x1B155, 0x1B155), (0x1B164, 0x1B167),
        ],
        ["Hangul"] =
        [
            (0x1100, 0x11FF), (0x302E, 0x302F), (0x3131, 0x318E), (0x3200, 0x321E), (0x3260, 0x327E), (0xA960, 0xA97C), (0xAC00, 0xD7A3), (0xD7B0, 0xD7C6),
            (0xD7CB, 0xD7FB), (0xFFA0, 0xFFBE), (0xFFC2, 0xFFC7), (0xFFCA, 0xFFCF), (0xFFD2, 0xFFD7), (0xFFDA, 0xFFDC),
        ],
    };

    public static readonly CodePointSet Space = new(CharacterClass.IsSpace);
    public static readonly CodePointSet Word = new(CharacterClass.IsWord);
    public static readonly CodePointSet Digit = new(point => CategoryOf(point) == UnicodeCategory.DecimalDigitNumber);
    public static readonly CodePointSet HexDigit = new(point => point < 0x80 && char.IsAsciiHexDigit((char)point));

    /// <summary>The set of a property's name; null for a name that is not known.</summary>
    public static CodePointSet? Find(string name)
    {
        name = name.Replace(" ", "", StringComparison.Ordinal);
        foreach (string prefix in new[] { "Script=", "sc=", "General_Category=", "gc=" })
        {
            if (name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) name = name[prefix.Length..];
        }
        name = LongNames.GetValueOrDefault(name, name);
        if (Categories.TryGetValue(name, out UnicodeCategory category)) return new CodePointSet(point => CategoryOf(point) == category);
        if (Scripts.TryGetValue(name, out (int First, int Last)[]? ranges)) return new CodePointSet(point => ranges.Any(range => point >= range.First && point <= range.Last));
        if (name.Length == 1 && Categories.Any(known => known.Key[0] == char.ToUpperInvariant(name[0])))
        {
            HashSet<UnicodeCategory> group = [.. Categories.Where(known => known.Key[0] == char.ToUpperInvariant(name[0])).Select(known => known.Value)];
            return new CodePointSet(point => group.Contains(CategoryOf(point)));
        }
        return name.ToUpperInvariant() switch
        {
            "ANY" => new CodePointSet(_ => true),
            "ASCII" => CodePointSet.Range(0, 0x7F),
            "SPACE" or "WHITE_SPACE" => Space,
            "WORD" => Word,
            "ALPHA" or "ALPHABETIC" => new CodePointSet(IsAlphabetic),
            "ALNUM" => new CodePointSet(point => IsAlphabetic(point) || CategoryOf(point) == UnicodeCategory.DecimalDigitNumber),
            "UPPER" or "UPPERCASE" => new CodePointSet(point => CategoryOf(point) == UnicodeCategory.UppercaseLetter),
            "LOWER" or "LOWERCASE" => new CodePointSet(point => CategoryOf(point) == UnicodeCategory.LowercaseLetter),
            "XDIGIT" => HexDigit,
            _ => null,
        };
    }

    private static bool IsAlphabetic(int point) => CategoryOf(point) is <= UnicodeCategory.OtherLetter or UnicodeCategory.LetterNumber;

    private static UnicodeCategory CategoryOf(int point) => CharUnicodeInfo.GetUnicodeCategory(point);
}
