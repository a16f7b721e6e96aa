using System.Globalization;
using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.Patterns;

/// <summary>The sets that <c>\p{…}</c>, <c>\s</c>, <c>\w</c>, <c>\d</c> and POSIX brackets name: general categories, scripts, and some others.</summary>
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

    public static readonly CodePointSet Space = new(CharacterClass.IsSpace);

    /// <summary>Oniguruma's \w: its Latin-1 table has the superscripts and fractions too, which <c>[[:word:]]</c> has not.</summary>
    public static readonly CodePointSet Word = new(point => CharacterClass.IsWordPart(point) || point is 0xB2 or 0xB3 or 0xB9 or (>= 0xBC and <= 0xBE));

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
        if (name.Length == 1 && Categories.Any(known => known.Key[0] == char.ToUpperInvariant(name[0])))
        {
            HashSet<UnicodeCategory> group = [.. Categories.Where(known => known.Key[0] == char.ToUpperInvariant(name[0])).Select(known => known.Value)];
            return new CodePointSet(point => group.Contains(CategoryOf(point)));
        }
        return name.ToUpperInvariant() switch
        {
            "ANY" => new CodePointSet(_ => true),
            "ASCII" => CodePointSet.Range(0, 0x7F),
            "SPACE" or "WHITE_SPACE" or "WHITESPACE" => Space,
            "BLANK" => new CodePointSet(point => point == '\t' || CategoryOf(point) == UnicodeCategory.SpaceSeparator),
            "WORD" => new CodePointSet(CharacterClass.IsWordPart),
            "ALPHA" => CodePointRanges.Find("Alphabetic"),
            "ALNUM" => CodePointSet.Union([CodePointRanges.Find("Alphabetic")!, Digit]),
            "UPPER" => CodePointRanges.Find("Uppercase"),
            "LOWER" => CodePointRanges.Find("Lowercase"),
            "GRAPH" => new CodePointSet(point => !CharacterClass.IsSpace(point) && !IsUnseen(point)),
            "PRINT" => new CodePointSet(point => CategoryOf(point) == UnicodeCategory.SpaceSeparator || (!CharacterClass.IsSpace(point) && !IsUnseen(point))),
            "XDIGIT" => HexDigit,
            _ => CodePointRanges.Find(name),
        };
    }

    /// <summary>The set of a POSIX bracket's name: <c>[:punct:]</c> has symbols too, which <c>\p{Punct}</c> has not.</summary>
    public static CodePointSet? FindPosix(string name) => name == "punct" ? new CodePointSet(IsPunctuationOrSymbol) : Find(name);

    private static bool IsPunctuationOrSymbol(int point) => CategoryOf(point) is (>= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation)
        or (>= UnicodeCategory.MathSymbol and <= UnicodeCategory.OtherSymbol);

    private static bool IsUnseen(int point) => CategoryOf(point) is UnicodeCategory.Control or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned;

    private static UnicodeCategory CategoryOf(int point) => CharUnicodeInfo.GetUnicodeCategory(point);
}
