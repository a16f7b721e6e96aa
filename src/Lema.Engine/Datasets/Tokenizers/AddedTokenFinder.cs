using System.Buffers;
using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers;

/// <summary>Finds added tokens in a text: leftmost first, the longest at one place, by a trie over their contents.</summary>
internal sealed class AddedTokenFinder
{
    private readonly Node _root = new();
    private readonly SearchValues<char> _firstUnits;

    /// <param name="tokens">The tokens and the text that each is looked for as.</param>
    public AddedTokenFinder(IEnumerable<(AddedToken Token, string Text)> tokens)
    {
        foreach ((AddedToken token, string text) in tokens)
        {
            if (text.Length == 0) continue;
            Node node = _root;
            foreach (char unit in text) node = node.Next.TryGetValue(unit, out Node? next) ? next : node.Next[unit] = new Node();
            node.Token = token;
        }
        _firstUnits = SearchValues.Create([.. _root.Next.Keys]);
    }

    public bool IsEmpty => _root.Next.Count == 0;

    /// <summary>The segments of a text in order: a stretch without added tokens (null) or one token with the white space it swallows.</summary>
    public List<(AddedToken? Token, int Start, int End)> Segments(string text)
    {
        List<(AddedToken?, int, int)> segments = [];
        int from = 0;
        for (int at = 0; NextMatch(text, ref at) is { } match;)
        {
            (AddedToken token, int start, int end) = (match.Token, at, at + match.Length);
            at = end;
            if (token.SingleWord && TouchesWord(text, start, end)) continue;
            if (token.LStrip) start = Math.Max(SpacesBefore(text, start), from);
            if (token.RStrip) end = SpacesAfter(text, end);
            if (from < start) segments.Add((null, from, start));
            segments.Add((token, start, end));
            from = end;
        }
        if (from < text.Length) segments.Add((null, from, text.Length));
        return segments;
    }

    private (AddedToken Token, int Length)? NextMatch(string text, ref int at)
    {
        while (text.AsSpan(at).IndexOfAny(_firstUnits) is var skip and >= 0)
        {
            at += skip;
            if (Longest(text.AsSpan(at)) is { } match) return match;
            at++;
        }
        return null;
    }

    private (AddedToken Token, int Length)? Longest(ReadOnlySpan<char> text)
    {
        (AddedToken, int)? longest = null;
        Node node = _root;
        for (int length = 0; length < text.Length && node.Next.TryGetValue(text[length], out Node? next); node = next)
        {
            length++;
            if (next.Token is { } token) longest = (token, length);
        }
        return longest;
    }

    private static bool TouchesWord(string text, int start, int end) =>
        (start > 0 && CharacterClass.IsWord(CharacterClass.CodePointBefore(text, start, out _)))
        || (end < text.Length && CharacterClass.IsWord(CharacterClass.CodePointAt(text, end, out _)));

    private static int SpacesBefore(string text, int start)
    {
        while (start > 0 && CharacterClass.IsSpace(text[start - 1])) start--;
        return start;
    }

    private static int SpacesAfter(string text, int end)
    {
        while (end < text.Length && CharacterClass.IsSpace(text[end])) end++;
        return end;
    }

    private sealed class Node
    {
        public Dictionary<char, Node> Next { get; } = [];

        public AddedToken? Token { get; set; }
    }
}
