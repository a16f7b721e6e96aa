using Spectre.Console;

namespace Lema.Cli.Rendering;

/// <summary>Text whose line breaks are its own, such as a row of a dataset: where it is too long the terminal goes on in the next line, and a copy of it stays right.</summary>
internal static class UnwrappedText
{
    public static void WriteUnwrapped(this IAnsiConsole console, string text, Style? style = null)
    {
        int width = console.Profile.Width;
        console.Profile.Width = int.MaxValue;
        try
        {
            console.Write(SafeText.Of(text), style ?? Style.Plain);
        }
        finally
        {
            console.Profile.Width = width;
        }
    }
}
