using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.Patterns;

/// <summary>Parses a bracketed class: ranges, escapes, nested classes, intersections with <c>&amp;&amp;</c>, POSIX names.</summary>
internal sealed class RegexClassParser(string pattern, int start)
{
    private const int DeepestNesting = 100;
    private int _at = start;
    private int _depth;

    /// <param name="end">What follows the closing bracket.</param>
    public CodePointSet Parse(out int end)
    {
        CodePointSet set = Class();
        end = _at;
        return set;
    }

    private CodePointSet Class()
    {
        if (++_depth > DeepestNesting) throw Error("nested too deeply");
        bool negated = Skip("^");
        List<CodePointSet> members = [];
        CodePointSet? left = null;
        bool first = true;
        while (first || !Skip("]"))
        {
            if (_at >= pattern.Length) throw Error("the class does not end");
            if (Skip("&&"))
            {
                left = Intersected(left, members);
                members = [];
            }
            else members.Add(Member());
            first = false;
        }
        _depth--;
        CodePointSet set = Intersected(left, members);
        return negated ? set.Negated() : set;
    }

    private static CodePointSet Intersected(CodePointSet? left, List<CodePointSet> members)
    {
        CodePointSet right = CodePointSet.Union(members);
        return left is null ? right : left.And(right);
    }

    private CodePointSet Member()
    {
        if (Skip("[:")) return Posix();
        if (Skip("[")) return Class();
        int? first = Single(out CodePointSet? set);
        if (first is null) return set!;
        bool range = _at + 1 < pattern.Length && pattern[_at] == '-' && pattern[_at + 1] is not (']' or '[');
        if (!range) return CodePointSet.Of(first.Value);
        _at++;
        int last = Single(out _) ?? throw Error("a range must end with a character");
        return last >= first ? CodePointSet.Range(first.Value, last) : throw Error("the range is reversed");
    }

    private CodePointSet Posix()
    {
        int end = pattern.IndexOf(":]", _at, StringComparison.Ordinal);
        if (end < 0) throw Error("the POSIX class does not end");
        string name = pattern[_at..end];
        _at = end + 2;
        bool negated = name.StartsWith('^');
        CodePointSet set = UnicodeProperties.FindPosix(negated ? name[1..] : name) ?? throw Error($"the class '{name}' is not supported");
        return negated ? set.Negated() : set;
    }

    /// <summary>One code point, or null and the set that an escape such as <c>\s</c> stands for.</summary>
    private int? Single(out CodePointSet? set)
    {
        set = null;
        if (pattern[_at] != '\\')
        {
            int point = CharacterClass.CodePointAt(pattern, _at, out int length);
            _at += length;
            return point;
        }
        (set, int? single) = RegexEscapes.Read(pattern, ref _at);
        return single;
    }

    private bool Skip(string expected)
    {
        if (string.CompareOrdinal(pattern, _at, expected, 0, expected.Length) != 0) return false;
        _at += expected.Length;
        return true;
    }

    private RegexSyntaxException Error(string problem) => new(problem, _at);
}
