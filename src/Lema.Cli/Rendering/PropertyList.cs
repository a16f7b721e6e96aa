using Spectre.Console;

namespace Lema.Cli.Rendering;

/// <summary>Names and values in two columns.</summary>
internal sealed class PropertyList
{
    private readonly List<(string Name, string Value)> _lines = [];

    public void Add(string name, string value) => _lines.Add((name, SafeText.Of(value)));

    public void Write(IAnsiConsole console)
    {
        Grid grid = new();
        grid.AddColumn(new GridColumn { NoWrap = true, Padding = new Padding(0, 0, 2, 0) });
        grid.AddColumn(new GridColumn { Padding = new Padding(0) });
        foreach ((string name, string value) in _lines) grid.AddRow(new Text(name, new Style(decoration: Decoration.Dim)), new Text(value));
        console.Write(grid);
    }
}
