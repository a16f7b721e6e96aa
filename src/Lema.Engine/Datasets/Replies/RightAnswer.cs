namespace Lema.Engine.Datasets.Replies;

/// <summary>
/// Decides whether a reply is right: the expected text stands, as whole words and ignoring case, in the answer field of a valid reply, or anywhere in a reply
/// that does not attempt the format. A reply that attempts the format and breaks it is never right.
/// </summary>
public static class RightAnswer
{
    public static bool Holds(ReplyFormat format, string reply, string expected) => Holds(format, format.Parse(reply), reply, expected);

    /// <summary>The same for a reply that was parsed already.</summary>
    public static bool Holds(ReplyFormat format, ParsedReply parsed, string reply, string expected)
    {
        if (parsed.IsValid) return ContainsWords(parsed.Fields[format.AnswerField], expected);
        bool isPlain = !reply.Contains(format.OpenTag, StringComparison.Ordinal) && !reply.Contains(format.CloseTag, StringComparison.Ordinal);
        return isPlain && ContainsWords(reply, expected);
    }

    /// <summary>Whether <paramref name="words"/> occur in the text with neither an ASCII letter nor a digit directly before or after, ignoring case.</summary>
    public static bool ContainsWords(string text, string words)
    {
        if (words.Length == 0) return false;
        for (int at = 0; (at = text.IndexOf(words, at, StringComparison.OrdinalIgnoreCase)) >= 0; at++)
        {
            int end = at + words.Length;
            if ((at == 0 || !char.IsAsciiLetterOrDigit(text[at - 1])) && (end == text.Length || !char.IsAsciiLetterOrDigit(text[end]))) return true;
        }
        return false;
    }
}
