namespace Lema.Engine.Datasets.Templates.Parsing;

/// <summary>
/// Cuts a template into data and tags, with Jinja's control of white space: <c>-</c> strips, the newline after a block goes (trim_blocks), the blanks before a
/// block at the start of a line go (lstrip_blocks), <c>+</c> keeps both, one final newline goes.
/// </summary>
internal sealed class TemplateLexer
{
    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private int _at;
    private int _line = 1;
    private bool _lineStarts = true;

    private TemplateLexer(string source) => _source = source;

    public static List<Token> Read(string template)
    {
        string source = template.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        if (source.EndsWith('\n')) source = source[..^1];
        TemplateLexer lexer = new(source);
        lexer.Read();
        return lexer._tokens;
    }

    private void Read()
    {
        while (_at < _source.Length)
        {
            int tag = NextTag();
            if (tag < 0)
            {
                AddData(_source[_at..]);
                _at = _source.Length;
                break;
            }
            char kind = _source[tag + 1];
            char sign = tag + 2 < _source.Length ? _source[tag + 2] : ' ';
            AddData(Stripped(_source[_at..tag], kind, sign));
            CountLines(_source.AsSpan(_at, tag - _at));
            _at = tag + (sign is '-' or '+' ? 3 : 2);
            if (kind == '#') SkipComment();
            else if (kind == '%' && TryRaw()) continue;
            else ReadTag(kind);
        }
        _tokens.Add(new Token(TokenKind.End, "", _line));
    }

    private int NextTag()
    {
        for (int at = _at; (at = _source.IndexOf('{', at)) >= 0 && at + 1 < _source.Length; at++)
        {
            if (_source[at + 1] is '{' or '%' or '#') return at;
        }
        return -1;
    }

    private string Stripped(string data, char kind, char sign)
    {
        if (sign == '-') return data.TrimEnd();
        if (sign == '+' || kind == '{') return data;
        int line = data.LastIndexOf('\n') + 1;
        return (line > 0 || _lineStarts) && string.IsNullOrWhiteSpace(data[line..]) ? data[..line] : data;
    }

    private void AddData(string data)
    {
        if (data.Length > 0) _tokens.Add(new Token(TokenKind.Data, data, _line));
    }

    private void SkipComment()
    {
        int end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0) throw Error("Missing end of comment tag");
        CountLines(_source.AsSpan(_at, end - _at));
        char sign = end > _at ? _source[end - 1] : ' ';
        _at = end + 2;
        AfterTag(sign, trimsNewline: true);
    }

    // After a tag: "-" takes all white space, a block takes one newline.
    private void AfterTag(char sign, bool trimsNewline)
    {
        int start = _at;
        if (sign == '-')
        {
            while (_at < _source.Length && char.IsWhiteSpace(_source[_at])) _at++;
        }
        else if (trimsNewline && sign != '+' && _at < _source.Length && _source[_at] == '\n') _at++;
        CountLines(_source.AsSpan(start, _at - start));
        _lineStarts = _at > start && _source[_at - 1] == '\n';
    }

    private bool TryRaw()
    {
        int at = SkipBlanks(_at);
        if (!Word(at, "raw") || !TagEnd(SkipBlanks(at + 3), out int body, out bool stripsBody)) return false;
        if (stripsBody) body = SkipBlanks(body);
        for (int tag = body; (tag = _source.IndexOf("{%", tag, StringComparison.Ordinal)) >= 0; tag += 2)
        {
            char sign = tag + 2 < _source.Length ? _source[tag + 2] : ' ';
            int name = SkipBlanks(tag + (sign is '-' or '+' ? 3 : 2));
            if (!Word(name, "endraw") || !TagEnd(SkipBlanks(name + 6), out int after, out _)) continue;
            _lineStarts = body > 0 && _source[body - 1] == '\n';
            AddData(Stripped(_source[body..tag], '%', sign));
            CountLines(_source.AsSpan(_at, after - _at));
            _at = after;
            AfterTag(_source[after - 3], trimsNewline: true);
            return true;
        }
        throw Error("Missing end of raw directive");
    }

    private bool TagEnd(int at, out int after, out bool strips)
    {
        strips = at < _source.Length && _source[at] == '-';
        if (at < _source.Length && _source[at] is '-' or '+') at++;
        after = at + 2;
        return string.CompareOrdinal(_source, at, "%}", 0, 2) == 0;
    }

    private bool Word(int at, string word) => string.CompareOrdinal(_source, at, word, 0, word.Length) == 0;

    private int SkipBlanks(int at)
    {
        while (at < _source.Length && char.IsWhiteSpace(_source[at])) at++;
        return at;
    }

    private void ReadTag(char kind)
    {
        bool print = kind == '{';
        _tokens.Add(new Token(print ? TokenKind.PrintBegin : TokenKind.BlockBegin, "", _line));
        ExpressionLexer expression = new(_source, _at, _line, print ? "}}" : "%}", _tokens);
        char sign = expression.Read();
        (_at, _line) = (expression.Position, expression.Line);
        _tokens.Add(new Token(print ? TokenKind.PrintEnd : TokenKind.BlockEnd, "", _line));
        AfterTag(sign, trimsNewline: !print);
    }

    private void CountLines(ReadOnlySpan<char> text) => _line += text.Count('\n');

    private TemplateError Error(string problem) => new(TemplateErrorKind.Syntax, $"line {_line}: {problem}");
}
