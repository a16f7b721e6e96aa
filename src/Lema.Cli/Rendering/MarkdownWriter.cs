using System.Text;
using System.Text.RegularExpressions;
using Spectre.Console;

namespace Lema.Cli.Rendering;

/// <summary>Markdown as it comes, shown a line at a time: headings and emphasis, code, list marks. What it does not know stays as it is written.</summary>
internal sealed partial class MarkdownWriter(IAnsiConsole console)
{
    private const string Fence = "```";

    private static readonly Style Bold = new(decoration: Decoration.Bold);
    private static readonly Style Italic = new(decoration: Decoration.Italic);
    private static readonly Style Code = new(Color.Teal);

    private readonly StringBuilder _line = new();
    private bool _isInFence;

    public void Write(string text)
    {
        foreach (char c in text)
        {
            if (c == '\n') EndLine();
            else _line.Append(c);
        }
    }

    /// <summary>Shows a last line that no line break ended.</summary>
    public void End()
    {
        if (_line.Length > 0) EndLine();
    }

    private void EndLine()
    {
        string line = _line.ToString();
        _line.Clear();
        if (line.TrimStart().StartsWith(Fence, StringComparison.Ordinal)) _isInFence = !_isInFence;
        else if (_isInFence) console.WriteUnwrapped($"    {line}\n", Code);
        else if (Heading().Match(line) is { Success: true } heading) console.WriteUnwrapped($"{heading.Groups["text"].Value}\n", Bold);
        else WriteSpans(ListMark().Replace(line, "$1• ") + "\n");
    }

    private void WriteSpans(string line)
    {
        int at = 0;
        foreach (Match span in Span().Matches(line))
        {
            console.WriteUnwrapped(line[at..span.Index]);
            Group inner = span.Groups.Values.Skip(1).First(g => g.Success);
            console.WriteUnwrapped(inner.Value, inner.Name switch { "code" => Code, "bold" => Bold, _ => Italic });
            at = span.Index + span.Length;
        }
        console.WriteUnwrapped(line[at..]);
    }

    [GeneratedRegex(@"^#{1,6}\s+(?<text>.*)$")]
    private static partial Regex Heading();

    [GeneratedRegex(@"^(\s*)[-*+]\s+")]
    private static partial Regex ListMark();

    [GeneratedRegex(@"`(?<code>[^`]+)`|\*\*(?<bold>[^*]+)\*\*|\*(?<italic>[^*\s][^*]*)\*")]
    private static partial Regex Span();
}
