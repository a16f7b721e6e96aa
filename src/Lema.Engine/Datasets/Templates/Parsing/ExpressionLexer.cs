using System.Globalization;
using System.Text;

namespace Lema.Engine.Datasets.Templates.Parsing;

/// <summary>Reads the tokens within one tag, up to its end.</summary>
internal sealed class ExpressionLexer(string source, int start, int line, string end, List<Token> tokens)
{
    private static readonly string[] Operators =
        ["//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"];

    private readonly Stack<char> _open = new();

    public int Position { get; private set; } = start;

    public int Line { get; private set; } = line;

    /// <summary>Reads to the tag's end and returns the sign before it: <c>-</c>, <c>+</c> or a blank.</summary>
    public char Read()
    {
        while (Position < source.Length)
        {
            char unit = source[Position];
            if (unit == '\n') Line++;
            if (char.IsWhiteSpace(unit)) Position++;
            else if (_open.Count == 0 && TryEnd(out char sign)) return sign;
            else if (char.IsAsciiDigit(unit)) Number();
            else if (char.IsLetter(unit) || unit == '_') Name();
            else if (unit is '\'' or '"') Text(unit);
            else Operator();
        }
        throw Error(end == "}}" ? "unexpected end of template, expected 'end of print statement'." : "unexpected end of template, expected 'end of statement block'.");
    }

    private bool TryEnd(out char sign)
    {
        sign = source[Position] is '-' or '+' ? source[Position] : ' ';
        int at = sign == ' ' ? Position : Position + 1;
        if (string.CompareOrdinal(source, at, end, 0, 2) != 0) return false;
        Position = at + 2;
        return true;
    }

    private void Name()
    {
        int from = Position;
        while (Position < source.Length && (char.IsLetterOrDigit(source[Position]) || source[Position] == '_')) Position++;
        Add(TokenKind.Name, source[from..Position]);
    }

    private void Number()
    {
        int from = Position;
        if (source[Position] == '0' && Position + 1 < source.Length && char.ToLowerInvariant(source[Position + 1]) is 'x' or 'o' or 'b')
        {
            Position += 2;
            while (Position < source.Length && (char.IsAsciiHexDigit(source[Position]) || source[Position] == '_')) Position++;
            Add(TokenKind.Integer, source[from..Position].Replace("_", "", StringComparison.Ordinal));
            return;
        }
        Digits();
        bool real = false;
        if (At(0) == '.' && char.IsAsciiDigit(At(1)) && !(from > 0 && source[from - 1] == '.'))
        {
            (real, Position) = (true, Position + 1);
            Digits();
        }
        int sign = At(1) is '+' or '-' ? 2 : 1;
        if (At(0) is 'e' or 'E' && char.IsAsciiDigit(At(sign)))
        {
            (real, Position) = (true, Position + sign);
            Digits();
        }
        Add(real ? TokenKind.Float : TokenKind.Integer, source[from..Position].Replace("_", "", StringComparison.Ordinal));
    }

    private char At(int offset) => Position + offset < source.Length ? source[Position + offset] : '\0';

    private void Digits()
    {
        while (char.IsAsciiDigit(At(0)) || (At(0) == '_' && char.IsAsciiDigit(At(1)))) Position++;
    }

    private void Text(char quote)
    {
        StringBuilder text = new();
        int opened = Line;
        for (Position++; Position < source.Length && source[Position] != quote; Position++)
        {
            if (source[Position] == '\n') Line++;
            if (source[Position] == '\\' && Position + 1 < source.Length) Escape(text);
            else text.Append(source[Position]);
        }
        if (Position >= source.Length) throw new TemplateError(TemplateErrorKind.Syntax, $"line {opened}: the string does not end");
        Position++;
        Add(TokenKind.Text, text.ToString());
    }

    private void Escape(StringBuilder text)
    {
        char kind = source[++Position];
        switch (kind)
        {
            case 'n': text.Append('\n'); break;
            case 't': text.Append('\t'); break;
            case 'r': text.Append('\r'); break;
            case 'a': text.Append('\a'); break;
            case 'b': text.Append('\b'); break;
            case 'f': text.Append('\f'); break;
            case 'v': text.Append('\v'); break;
            case '\\' or '\'' or '"': text.Append(kind); break;
            case '\n': Line++; break;
            case 'x': CodePoint(text, 2); break;
            case 'u': CodePoint(text, 4); break;
            case 'U': CodePoint(text, 8); break;
            case >= '0' and <= '7': Octal(text); break;
            default: text.Append('\\').Append(kind); break;
        }
    }

    private void CodePoint(StringBuilder text, int digits)
    {
        bool whole = Position + digits < source.Length;
        if (!whole || !int.TryParse(source.AsSpan(Position + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int point) || point is < 0 or > 0x10FFFF)
        {
            throw Error("the escape in the string is not a character");
        }
        text.Append(point > 0xFFFF ? char.ConvertFromUtf32(point) : ((char)point).ToString());
        Position += digits;
    }

    private void Octal(StringBuilder text)
    {
        int value = source[Position] - '0';
        for (int count = 1; count < 3 && At(1) is >= '0' and <= '7'; count++) value = value * 8 + source[++Position] - '0';
        text.Append((char)value);
    }

    private void Operator()
    {
        string found = Operators.FirstOrDefault(known => string.CompareOrdinal(source, Position, known, 0, known.Length) == 0)
            ?? throw Error($"unexpected char '{source[Position]}' at {Position}");
        if (found is "(" or "[" or "{") _open.Push(found[0] switch { '(' => ')', '[' => ']', _ => '}' });
        if (found is ")" or "]" or "}" && (!_open.TryPop(out char expected) || expected != found[0])) throw Error($"unexpected '{found}'");
        Position += found.Length;
        Add(TokenKind.Operator, found);
    }

    private void Add(TokenKind kind, string text) => tokens.Add(new Token(kind, text, Line));

    private TemplateError Error(string problem) => new(TemplateErrorKind.Syntax, $"line {Line}: {problem}");
}
