namespace Lema.Engine.Datasets.Tokenizers.Patterns;

/// <summary>What a split or a replacement looks for.</summary>
internal interface ITextPattern
{
    /// <summary>The first match that begins at or after <paramref name="from"/> and is not empty.</summary>
    bool Find(ReadOnlySpan<char> text, int from, out int start, out int length);
}

/// <summary>A plain string.</summary>
internal sealed class LiteralPattern(string literal) : ITextPattern
{
    public bool Find(ReadOnlySpan<char> text, int from, out int start, out int length)
    {
        start = literal.Length == 0 ? -1 : text[from..].IndexOf(literal, StringComparison.Ordinal);
        length = literal.Length;
        if (start < 0) return false;
        start += from;
        return true;
    }
}
