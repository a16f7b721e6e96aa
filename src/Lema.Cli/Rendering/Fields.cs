namespace Lema.Cli.Rendering;

/// <summary>Parts of a line, the most important first.</summary>
internal static class Fields
{
    private const string Gap = "  ";

    /// <summary>As many parts as fit; the first is cut when it alone is too long.</summary>
    public static string Fit(IEnumerable<string> parts, int width)
    {
        string[] given = [.. parts.Where(p => p.Length > 0)];
        if (given.Length == 0) return "";
        string line = Cut(given[0], width);
        foreach (string part in given.Skip(1))
        {
            if (line.Length + Gap.Length + part.Length <= width) line += Gap + part;
        }
        return line;
    }

    /// <summary>A text cut to a width, with an ellipsis where something is missing.</summary>
    public static string Cut(string text, int width) => text.Length <= width ? text : width <= 1 ? "" : text[..(width - 1)] + "…";
}
