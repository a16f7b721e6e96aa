using System.Globalization;
using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.Patterns;

/// <param name="Set">What the escape stands for.</param>
/// <param name="Point">The one code point of the set, where it is a character and not a class.</param>
internal readonly record struct RegexEscape(CodePointSet Set, int? Point)
{
    public static implicit operator RegexEscape(CodePointSet set) => new(set, null);

    public static implicit operator RegexEscape(int point) => new(CodePointSet.Of(point), point);
}

/// <summary>The escapes that stand for a set of code points, within brackets and outside.</summary>
internal static class RegexEscapes
{
    /// <param name="at">The backslash; afterwards what follows the escape.</param>
    public static RegexEscape Read(string pattern, ref int at)
    {
        int start = at++;
        if (at == pattern.Length) throw new RegexSyntaxException("the pattern ends with a backslash", start);
        char kind = pattern[at++];
        switch (kind)
        {
            case 's': return UnicodeProperties.Space;
            case 'S': return UnicodeProperties.Space.Negated();
            case 'd': return UnicodeProperties.Digit;
            case 'D': return UnicodeProperties.Digit.Negated();
            case 'w': return UnicodeProperties.Word;
            case 'W': return UnicodeProperties.Word.Negated();
            case 'h': return UnicodeProperties.HexDigit;
            case 'H': return UnicodeProperties.HexDigit.Negated();
            case 'p' or 'P': return Property(pattern, ref at, kind == 'P');
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            case 'f': return '\f';
            case 'v': return '\v';
            case 'a': return '\a';
            case 'e': return 0x1B;
            case 'x' when at < pattern.Length && pattern[at] == '{': return Braced(pattern, ref at);
            case 'x': return Hex(pattern, ref at, 2);
            case 'u': return Hex(pattern, ref at, 4);
            default:
                if (char.IsAsciiLetterOrDigit(kind)) throw new RegexSyntaxException($"'\\{kind}' is not supported", start);
                int point = CharacterClass.CodePointAt(pattern, at - 1, out int length);
                at += length - 1;
                return point;
        }
    }

    private static CodePointSet Property(string pattern, ref int at, bool negated)
    {
        int start = at;
        string name;
        if (at < pattern.Length && pattern[at] == '{')
        {
            int end = pattern.IndexOf('}', at);
            if (end < 0) throw new RegexSyntaxException("the property's name does not end", start);
            name = pattern[(at + 1)..end];
            at = end + 1;
        }
        else name = at < pattern.Length ? pattern[at++].ToString() : "";
        if (name.StartsWith('^')) (name, negated) = (name[1..], !negated);
        CodePointSet set = UnicodeProperties.Find(name) ?? throw new RegexSyntaxException($"the property '{name}' is not supported", start);
        return negated ? set.Negated() : set;
    }

    private static int Braced(string pattern, ref int at)
    {
        int end = pattern.IndexOf('}', at);
        if (end < 0) throw new RegexSyntaxException("'\\x{' does not end", at);
        string digits = pattern[(at + 1)..end];
        at = end + 1;
        return int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int point) && point <= 0x10FFFF
            ? point : throw new RegexSyntaxException($"'{digits}' is not a code point", at);
    }

    private static int Hex(string pattern, ref int at, int digits)
    {
        int length = 0;
        while (length < digits && at + length < pattern.Length && char.IsAsciiHexDigit(pattern[at + length])) length++;
        if (length == 0) throw new RegexSyntaxException("hexadecimal digits are missing", at);
        int point = int.Parse(pattern.AsSpan(at, length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        at += length;
        return point;
    }
}
