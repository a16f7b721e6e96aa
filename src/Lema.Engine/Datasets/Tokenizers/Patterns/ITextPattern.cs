using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.Patterns;

/// <summary>What a split or a replacement looks for.</summary>
internal interface ITextPattern
{
    /// <summary>The first match that begins at or after <paramref name="from"/>; it may be empty.</summary>
    bool Find(ReadOnlySpan<char> text, int from, out int start, out int length);
}

/// <summary>A plain string.</summary>
internal sealed class LiteralPattern(string literal) : ITextPattern
{
    public bool Find(ReadOnlySpan<char> text, int from, out int start, out int length)
    {
        start = text[from..].IndexOf(literal, StringComparison.Ordinal);
        length = literal.Length;
        if (start < 0) return false;
        start += from;
        return true;
    }
}

/// <summary>The matches of a pattern from left to right. An empty one right behind the match before it does not count, or it would be found for ever.</summary>
internal ref struct PatternMatches(ITextPattern pattern, ReadOnlySpan<char> text)
{
    private readonly ReadOnlySpan<char> _text = text;
    private int _from;
    private int _lastEnd = -1;

    public bool Next(out int start, out int length)
    {
        while (_from <= _text.Length && pattern.Find(_text, _from, out start, out length))
        {
            _from = start + length;
            if (length > 0 || start != _lastEnd)
            {
                _lastEnd = _from;
                return true;
            }
            if (_from == _text.Length) break;
            CharacterClass.CodePointAt(_text, _from, out int skipped);
            _from += skipped;
        }
        (start, length) = (0, 0);
        return false;
    }
}
