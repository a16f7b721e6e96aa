namespace Lema.Engine.Datasets.Replies;

/// <summary>
/// Reads a reply strictly: opening tag, each field once and in order, closing tag, LF line ends, not a character more. For the built-in format these are the
/// texts that match <c>\[LEMA_REPLY\]\nAnswer: ([^\n]+)\nExplanation: ([^\n]+)\nConfidence: (High|Medium|Low)\n\[/LEMA_REPLY\]</c>, less those that
/// repeat a tag inside a value.
/// </summary>
internal static class ReplyParser
{
    private const int ShownCharacters = 40;

    public static ParsedReply Parse(ReplyFormat format, string text)
    {
        Dictionary<string, string> fields = [];
        int position = 0, line = 1;
        if (!SkipLine(format.OpenTag, lastLine: false, out ReplyDeviation? deviation)) return new ParsedReply(fields, deviation);
        foreach (ReplyField field in format.Fields)
        {
            if (!ReadField(field, out string value, out deviation)) return new ParsedReply(fields, deviation);
            fields.Add(field.Name, value);
        }
        SkipLine(format.CloseTag, lastLine: true, out deviation);
        return new ParsedReply(fields, deviation);

        bool SkipLine(string tag, bool lastLine, out ReplyDeviation? problem)
        {
            problem = null;
            if (!text.AsSpan(position).StartsWith(tag)) return Deviates(position, $"expected {tag}, found {Shown(position)}", out problem);
            position += tag.Length;
            if (lastLine) return position == text.Length || Deviates(position, $"text after {tag}: {Shown(position)}", out problem);
            if (position == text.Length || text[position] != '\n') return Deviates(position, $"expected a newline after {tag}, found {Shown(position)}", out problem);
            position++;
            line++;
            return true;
        }

        bool ReadField(ReplyField field, out string value, out ReplyDeviation? problem)
        {
            value = "";
            problem = null;
            string key = field.Name + ": ";
            if (!text.AsSpan(position).StartsWith(key)) return Deviates(position, $"expected '{key}', found {Shown(position)}", out problem);
            int start = position + key.Length;
            int end = text.IndexOf('\n', start);
            if (end < 0) return Deviates(text.Length, $"the reply ends within {field.Name}", out problem);
            value = text[start..end];
            if (value.Length == 0) return Deviates(start, $"{field.Name} is empty", out problem);
            foreach (string tag in (ReadOnlySpan<string>)[format.OpenTag, format.CloseTag])
            {
                int tagAt = value.IndexOf(tag, StringComparison.Ordinal);
                if (tagAt >= 0) return Deviates(start + tagAt, $"{tag} stands within {field.Name}", out problem);
            }
            if (field.Values.Count > 0 && !field.Values.Contains(value))
                return Deviates(start, $"{field.Name} is {Shown(start)}, must be {string.Join(" or ", field.Values)}", out problem);
            position = end + 1;
            line++;
            return true;
        }

        bool Deviates(int at, string problem, out ReplyDeviation result)
        {
            result = new ReplyDeviation(at, line, problem);
            return false;
        }

        string Shown(int at)
        {
            ReadOnlySpan<char> rest = text.AsSpan(at);
            if (rest.IsEmpty) return "the end";
            int newline = rest.IndexOf('\n');
            if (newline == 0) return "a newline";
            if (newline > 0) rest = rest[..newline];
            return rest.Length <= ShownCharacters ? $"'{rest}'" : $"'{rest[..ShownCharacters]}...'";
        }
    }
}
