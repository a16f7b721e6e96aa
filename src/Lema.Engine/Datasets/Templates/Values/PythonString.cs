using System.Text;

namespace Lema.Engine.Datasets.Templates.Values;

/// <summary>Strings as sequences of code points, as Python counts them.</summary>
internal static class PythonString
{
    public static int Length(string text) => text.Length - text.Count(char.IsLowSurrogate);

    /// <summary>The characters, one string each.</summary>
    public static IReadOnlyList<object?> Characters(string text) => [.. text.EnumerateRunes().Select(rune => rune.ToString())];

    /// <summary>Python's white space for strings: Unicode's and the separators U+001C to U+001F.</summary>
    public static bool IsSpace(char unit) => char.IsWhiteSpace(unit) || unit is >= '\u001c' and <= '\u001f';

    /// <summary>Drops white space, or the given characters, from the ends.</summary>
    public static string Strip(string text, string? characters, bool left, bool right)
    {
        int from = 0, to = text.Length;
        Func<char, bool> drops = characters is null ? IsSpace : unit => characters.Contains(unit, StringComparison.Ordinal);
        while (left && from < to && drops(text[from])) from++;
        while (right && to > from && drops(text[to - 1])) to--;
        return text[from..to];
    }

    public static string Upper(string text) => text.ToUpperInvariant().Replace("ß", "SS", StringComparison.Ordinal);

    public static string Lower(string text) => text.ToLowerInvariant();

    public static string Capitalize(string text)
    {
        if (text.Length == 0) return text;
        int first = char.IsHighSurrogate(text[0]) && text.Length > 1 ? 2 : 1;
        return Upper(text[..first]) + Lower(text[first..]);
    }

    /// <summary>The first letter of each word upper case; a word begins after what <paramref name="separates"/>.</summary>
    public static string Title(string text, Func<char, bool> separates)
    {
        StringBuilder title = new(text.Length);
        bool begins = true;
        foreach (char unit in text)
        {
            title.Append(begins ? char.ToUpperInvariant(unit) : char.ToLowerInvariant(unit));
            begins = separates(unit);
        }
        return title.ToString();
    }

    public static List<object?> Split(string text, string? separator, int most, bool fromRight)
    {
        if (separator is null) return SplitAtSpaces(text, most, fromRight);
        if (separator.Length == 0) throw TemplateError.Other("empty separator");
        List<object?> parts = [];
        string rest = text;
        while (most < 0 || parts.Count < most)
        {
            int at = fromRight ? rest.LastIndexOf(separator, StringComparison.Ordinal) : rest.IndexOf(separator, StringComparison.Ordinal);
            if (at < 0) break;
            parts.Add(fromRight ? rest[(at + separator.Length)..] : rest[..at]);
            rest = fromRight ? rest[..at] : rest[(at + separator.Length)..];
        }
        parts.Add(rest);
        if (fromRight) parts.Reverse();
        return parts;
    }

    /// <summary>How many runs of word characters (Python's <c>\w+</c>) a text has.</summary>
    public static int WordCount(string text)
    {
        int count = 0;
        bool within = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            bool word = Rune.IsLetter(rune) || Rune.IsNumber(rune) || rune.Value == '_';
            if (word && !within) count++;
            within = word;
        }
        return count;
    }

    public static List<object?> Lines(string text)
    {
        List<object?> lines = [];
        for (int start = 0; start < text.Length;)
        {
            int end = text.AsSpan(start).IndexOfAny("\n\r\v\f\u001c\u001d\u001e\u0085\u2028\u2029");
            if (end < 0)
            {
                lines.Add(text[start..]);
                break;
            }
            lines.Add(text.Substring(start, end));
            start += end + (text[start + end] == '\r' && start + end + 1 < text.Length && text[start + end + 1] == '\n' ? 2 : 1);
        }
        return lines;
    }

    private static List<object?> SplitAtSpaces(string text, int most, bool fromRight)
    {
        List<object?> parts = [];
        string rest = Strip(text, null, true, true);
        while (rest.Length > 0)
        {
            int at = most >= 0 && parts.Count >= most ? -1 : fromRight ? LastSpace(rest) : FirstSpace(rest);
            if (at < 0)
            {
                parts.Add(rest);
                break;
            }
            parts.Add(fromRight ? rest[(at + 1)..] : rest[..at]);
            rest = fromRight ? Strip(rest[..at], null, false, true) : Strip(rest[at..], null, true, false);
        }
        if (fromRight) parts.Reverse();
        return parts;
    }

    private static int FirstSpace(string text)
    {
        int at = 0;
        while (at < text.Length && !IsSpace(text[at])) at++;
        return at < text.Length ? at : -1;
    }

    private static int LastSpace(string text)
    {
        int at = text.Length - 1;
        while (at >= 0 && !IsSpace(text[at])) at--;
        return at;
    }
}
