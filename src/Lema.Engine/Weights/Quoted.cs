using System.Text;

namespace Lema.Engine.Weights;

/// <summary>Shows untrusted text in messages: quoted, control characters escaped, cut to a readable length.</summary>
internal static class Quoted
{
    private const int LongestShown = 96;

    public static string Name(string text)
    {
        StringBuilder shown = new("'");
        foreach (char character in text.AsSpan(0, Math.Min(text.Length, LongestShown)))
        {
            if (char.IsControl(character) || char.IsSurrogate(character)) shown.Append($"\\u{(int)character:x4}");
            else shown.Append(character);
        }
        if (text.Length > LongestShown) shown.Append("...");
        return shown.Append('\'').ToString();
    }
}
