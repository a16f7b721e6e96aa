using Lema.Cli.Rendering;
using Lema.Protocol.V1;
using Spectre.Console;

namespace Lema.Cli.Commands.DatasetCommands;

/// <summary>Datasets as text.</summary>
internal static class DatasetText
{
    public static void WriteTable(IAnsiConsole console, IEnumerable<Dataset> datasets)
    {
        TextTable table = new(new("NAME"), new("ROWS", 1, Right: true), new("SIZE", 3, Right: true), new("FORMAT", 2), new("HELD OUT", 4), new("ADDED", 5));
        foreach (Dataset dataset in datasets)
        {
            table.Add(
                dataset.Name, Quantity.Count(dataset.Rows), Quantity.Bytes(dataset.SizeBytes), dataset.Format, dataset.Heldout,
                dataset.Added is null ? "" : Quantity.Time(dataset.Added.ToDateTimeOffset()));
        }
        if (!table.IsEmpty) table.Write(console);
    }

    /// <summary>A row as the model sees it: text that carries loss is green and underlined, or between guillemets where there are no colours; special tokens are pink.</summary>
    public static void WritePreview(IAnsiConsole console, PreviewRow row)
    {
        int loss = row.Tokens.Count(t => t.CarriesLoss);
        console.WriteLine($"row {row.Row}: {row.Tokens.Count} tokens, {loss} carry loss{(row.Truncated ? ", cut to the maximum length" : "")}");
        bool marks = !console.Profile.Capabilities.Ansi;
        bool inside = false;
        foreach (PreviewToken token in row.Tokens)
        {
            if (marks && token.CarriesLoss != inside) console.WriteUnwrapped(token.CarriesLoss ? "«" : "»");
            inside = token.CarriesLoss;
            console.WriteUnwrapped(token.Text, new Style(ColorOf(token), decoration: token.CarriesLoss ? Decoration.Underline : Decoration.None));
        }
        if (marks && inside) console.WriteUnwrapped("»");
        console.WriteLine();
    }

    private static Color ColorOf(PreviewToken token) => token.Special ? Color.Fuchsia : token.CarriesLoss ? Color.Green : Color.Default;

    public static void WriteTokens(IAnsiConsole console, PreviewRow row)
    {
        TextTable table = new(new("POSITION", Right: true), new("ID", Right: true), new("LOSS"), new("SPECIAL"), new("TEXT"));
        for (int i = 0; i < row.Tokens.Count; i++)
        {
            PreviewToken token = row.Tokens[i];
            table.Add($"{i}", $"{token.Id}", token.CarriesLoss ? "yes" : "", token.Special ? "yes" : "", token.Text.Replace("\n", "\\n", StringComparison.Ordinal));
        }
        table.Write(console);
    }
}
