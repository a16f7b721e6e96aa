using System.Text;

namespace Lema.Cli.Rendering;

/// <summary>Passes text on without the spaces at the ends of lines, which tables pad their last column with.</summary>
internal sealed class TrimmedLines(TextWriter target) : TextWriter
{
    private readonly StringBuilder _passed = new();
    private int _spaces;

    public override Encoding Encoding => target.Encoding;

    public override void Write(char value) => Write([value]);

    public override void Write(string? value) => Write(value.AsSpan());

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override void Write(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (c == ' ')
            {
                _spaces++;
                continue;
            }
            if (c is not ('\n' or '\r')) _passed.Append(' ', _spaces);
            _spaces = 0;
            _passed.Append(c);
        }
        target.Write(_passed);
        _passed.Clear();
    }

    public override void Flush() => target.Flush();
}
