using System.Globalization;

namespace Lema.Engine.Datasets.Tokenizers.Patterns;

/// <summary>What a pattern has that is not understood.</summary>
internal sealed class RegexSyntaxException(string problem, int position) : Exception($"at character {position + 1}: {problem}");

/// <summary>Parses the syntax of Oniguruma (as Ruby uses it), which tokenizer.json files are written in, as far as they use it.</summary>
internal sealed class RegexParser
{
    private const int DeepestNesting = 100;
    private readonly string _pattern;
    private int _at;
    private int _depth;
    private bool _ignoreCase;
    private bool _dotMatchesNewline;

    private RegexParser(string pattern) => _pattern = pattern;

    /// <exception cref="RegexSyntaxException">The pattern is not valid, or uses what is not supported.</exception>
    public static RegexNode Parse(string pattern)
    {
        RegexParser parser = new(pattern);
        RegexNode node = parser.Choice();
        return parser._at == pattern.Length ? node : throw parser.Error("')' without '('");
    }

    /// <summary><c>\R</c>: CR LF, which is not taken apart, or one code point that breaks lines.</summary>
    private static readonly RegexNode LineBreak = new AtomicNode(new ChoiceNode(
    [
        new SequenceNode([new SetNode(CodePointSet.Of('\r')), new SetNode(CodePointSet.Of('\n'))]),
        new SetNode(new CodePointSet(point => point is (>= '\n' and <= '\r') or 0x85 or 0x2028 or 0x2029)),
    ]));

    private bool AtEnd => _at == _pattern.Length;

    private RegexNode Choice()
    {
        if (++_depth > DeepestNesting) throw Error("nested too deeply");
        (bool ignoreCase, bool dot) = (_ignoreCase, _dotMatchesNewline);
        List<RegexNode> choices = [Sequence()];
        while (Skip('|')) choices.Add(Sequence());
        (_ignoreCase, _dotMatchesNewline) = (ignoreCase, dot);
        _depth--;
        return choices.Count == 1 ? choices[0] : new ChoiceNode(choices);
    }

    private SequenceNode Sequence()
    {
        List<RegexNode> parts = [];
        while (!AtEnd && _pattern[_at] is not ('|' or ')'))
        {
            if (Atom() is { } atom) parts.Add(Quantified(atom));
        }
        return new SequenceNode(parts);
    }

    private RegexNode Quantified(RegexNode node)
    {
        while (!AtEnd)
        {
            if (Skip('*')) node = new RepeatNode(node, 0, null, Suffix());
            else if (Skip('+')) node = new RepeatNode(node, 1, null, Suffix());
            else if (Skip('?')) node = new RepeatNode(node, 0, 1, Suffix());
            else if (_pattern[_at] == '{' && Interval() is var (min, max)) node = new RepeatNode(node, min, max, Skip('?') ? Greed.Lazy : Greed.Greedy);
            else break;
        }
        return node;
    }

    private Greed Suffix() => Skip('?') ? Greed.Lazy : Skip('+') ? Greed.Possessive : Greed.Greedy;

    // {n}, {n,}, {n,m} or {,m}; anything else is a plain brace.
    private (int Min, int? Max)? Interval()
    {
        int end = _pattern.IndexOf('}', _at);
        if (end < 0) return null;
        string[] bounds = _pattern[(_at + 1)..end].Split(',');
        int min = 0, max = 0;
        bool hasMin = int.TryParse(bounds[0], NumberStyles.None, CultureInfo.InvariantCulture, out min);
        bool hasMax = bounds.Length == 2 && int.TryParse(bounds[1], NumberStyles.None, CultureInfo.InvariantCulture, out max);
        bool valid = bounds.Length == 1 ? hasMin : bounds.Length == 2 && (hasMin || bounds[0].Length == 0) && (hasMax || bounds[1].Length == 0) && (hasMin || hasMax);
        if (!valid) return null;
        if (hasMax && max < min) throw Error("the interval is reversed");
        _at = end + 1;
        return (min, bounds.Length == 1 ? min : hasMax ? max : null);
    }

    private RegexNode? Atom()
    {
        switch (_pattern[_at])
        {
            case '(': return Group();
            case '[':
                _at++;
                return Cased(new RegexClassParser(_pattern, _at).Parse(out _at));
            case '.':
                _at++;
                return new SetNode(_dotMatchesNewline ? new CodePointSet(_ => true) : CodePointSet.Of('\n').Negated());
            case '^':
                _at++;
                return new AnchorNode(Anchor.LineStart);
            case '$':
                _at++;
                return new AnchorNode(Anchor.LineEnd);
            case '*' or '+' or '?': throw Error("nothing to repeat");
            case '\\': return Escape();
            default:
                int point = Text.CharacterClass.CodePointAt(_pattern, _at, out int length);
                _at += length;
                return Cased(CodePointSet.Of(point));
        }
    }

    private RegexNode Escape()
    {
        if (_at + 1 < _pattern.Length && _pattern[_at + 1] == 'R')
        {
            _at += 2;
            return LineBreak;
        }
        Anchor? anchor = _at + 1 >= _pattern.Length ? null : _pattern[_at + 1] switch
        {
            'A' => Anchor.TextStart,
            'z' => Anchor.TextEnd,
            'Z' => Anchor.TextEndOrLastNewline,
            'b' => Anchor.WordBoundary,
            'B' => Anchor.NoWordBoundary,
            _ => null,
        };
        if (anchor is null) return Cased(RegexEscapes.Read(_pattern, ref _at).Set);
        _at += 2;
        return new AnchorNode(anchor.Value);
    }

    private SetNode Cased(CodePointSet set) => new(_ignoreCase ? set.IgnoringCase() : set);

    private RegexNode? Group()
    {
        _at++;
        if (!Skip('?')) return Closed(Choice());
        if (Skip(':')) return Closed(Choice());
        if (Skip('>')) return Closed(new AtomicNode(Choice()));
        if (Skip('=')) return Closed(new LookNode(Choice(), Behind: false, Negated: false));
        if (Skip('!')) return Closed(new LookNode(Choice(), Behind: false, Negated: true));
        if (Skip('<'))
        {
            if (Skip('=')) return Closed(Behind(negated: false));
            if (Skip('!')) return Closed(Behind(negated: true));
            int end = _pattern.IndexOf('>', _at);
            if (end < 0) throw Error("the group's name does not end");
            _at = end + 1;
            return Closed(Choice());
        }
        return Options();
    }

    private LookNode Behind(bool negated)
    {
        RegexNode body = Choice();
        return body.Width is not null ? new LookNode(body, Behind: true, negated) : throw Error("look-behind of varying length is not supported");
    }

    // (?i) holds to the end of the enclosing group, (?i:…) within its own.
    private RegexNode? Options()
    {
        (bool ignoreCase, bool dot) = (_ignoreCase, _dotMatchesNewline);
        bool on = true;
        for (; !AtEnd && _pattern[_at] is not (':' or ')'); _at++)
        {
            switch (_pattern[_at])
            {
                case '-': on = false; break;
                case 'i': _ignoreCase = on; break;
                case 'm': _dotMatchesNewline = on; break;
                default: throw Error($"the group option '{_pattern[_at]}' is not supported");
            }
        }
        if (Skip(')')) return null;
        if (!Skip(':')) throw Error("the group does not end");
        RegexNode body = Choice();
        (_ignoreCase, _dotMatchesNewline) = (ignoreCase, dot);
        return Closed(body);
    }

    private RegexNode Closed(RegexNode node) => Skip(')') ? node : throw Error("the group does not end");

    private bool Skip(char expected)
    {
        if (AtEnd || _pattern[_at] != expected) return false;
        _at++;
        return true;
    }

    private RegexSyntaxException Error(string problem) => new(problem, _at);
}
