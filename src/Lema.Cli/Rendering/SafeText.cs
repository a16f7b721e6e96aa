using System.Buffers;

namespace Lema.Cli.Rendering;

/// <summary>Text from elsewhere, such as names and model replies, without the control characters that would steer the terminal.</summary>
internal static class SafeText
{
    private static readonly SearchValues<char> Controls =
        SearchValues.Create([.. Enumerable.Range(0, 0xA0).Select(c => (char)c).Where(c => char.IsControl(c) && c is not ('\n' or '\t'))]);

    public static string Of(string text)
    {
        if (text.AsSpan().IndexOfAny(Controls) < 0) return text;
        return string.Create(text.Length, text, (span, source) =>
        {
            for (int i = 0; i < span.Length; i++) span[i] = Controls.Contains(source[i]) ? '\uFFFD' : source[i];
        });
    }
}
