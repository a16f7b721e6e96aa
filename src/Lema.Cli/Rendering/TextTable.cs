using Spectre.Console;

namespace Lema.Cli.Rendering;

/// <summary>A column of a <see cref="TextTable"/>.</summary>
/// <param name="Rank">Columns of the highest rank are left out first where the terminal is narrow; rank 0 always stays.</param>
internal sealed record TableColumn(string Header, int Rank = 0, bool Right = false);

/// <summary>Rows under headers without lines, as in <c>docker ps</c>.</summary>
internal sealed class TextTable(params IReadOnlyList<TableColumn> columns)
{
    private const int Gap = 2;

    private readonly List<string[]> _rows = [];

    public bool IsEmpty => _rows.Count == 0;

    /// <param name="cells">One for each column; control characters are replaced.</param>
    public void Add(params string[] cells) => _rows.Add([.. cells.Select(SafeText.Of)]);

    public void Write(IAnsiConsole console)
    {
        int[] shown = Shown(console.Profile.Width);
        Table table = new Table().NoBorder().HideRowSeparators();
        table.Collapse();
        foreach (int index in shown)
        {
            TableColumn column = columns[index];
            TableColumn last = columns[shown[^1]];
            Spectre.Console.TableColumn made = new(new Text(column.Header, new Style(decoration: Decoration.Bold)))
            {
                Alignment = column.Right ? Justify.Right : Justify.Left,
                Padding = new Padding(0, 0, ReferenceEquals(column, last) ? 0 : Gap, 0),
            };
            table.AddColumn(made);
        }
        foreach (string[] row in _rows) table.AddRow(shown.Select(i => new Text(row[i])));
        console.Write(table);
    }

    /// <summary>Indexes of the columns that fit.</summary>
    internal int[] Shown(int width)
    {
        List<int> shown = [.. Enumerable.Range(0, columns.Count)];
        while (shown.Sum(ColumnWidth) + Gap * (shown.Count - 1) > width)
        {
            int leave = shown.Where(i => columns[i].Rank > 0).OrderByDescending(i => columns[i].Rank).ThenByDescending(i => i).FirstOrDefault(-1);
            if (leave < 0) break;
            shown.Remove(leave);
        }
        return [.. shown];
    }

    private int ColumnWidth(int index) => _rows.Select(row => row[index].Length).Append(columns[index].Header.Length).Max();
}
