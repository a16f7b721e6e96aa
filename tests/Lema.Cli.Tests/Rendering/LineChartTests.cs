using Lema.Cli.Rendering;
using Spectre.Console;

namespace Lema.Cli.Tests.Rendering;

public sealed class LineChartTests
{
    [Fact]
    public void Draw_OneFallingCurve_GoesFromTopLeftToBottomRight()
    {
        IReadOnlyList<string> lines = LineChart.Draw([new Curve("a", [(1, 2), (100, 1)])], 30, 4);

        Assert.StartsWith("   2.000 │", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("   1.000 │", lines[3], StringComparison.Ordinal);
        int[] firstDots = [.. lines.Take(4).Select(l => l.Skip(10).TakeWhile(c => c == ' ').Count())];
        Assert.Equal(0, firstDots[0]);
        Assert.Equal(firstDots.Order(), firstDots);
        Assert.True(firstDots[3] > 10);
        Assert.StartsWith("         └", lines[4], StringComparison.Ordinal);
        Assert.Matches(@"^ +1 +100$", lines[5]);
    }

    [Fact]
    public void Draw_TwoCurves_HaveALegendWithDifferentMarks()
    {
        IReadOnlyList<string> lines = LineChart.Draw([new Curve("first", [(1, 2), (9, 1)]), new Curve("second", [(1, 1), (9, 2)])], 40, 6);

        Assert.Equal(["⣿ first", "o second"], lines.TakeLast(2));
        Assert.Contains(lines, l => l.Contains('o', StringComparison.Ordinal));
        Assert.All(lines, l => Assert.True(l.Length <= 40));
    }

    [Fact]
    public void Write_TwoCurves_HaveColoursOfTheirOwn()
    {
        Curve[] curves = [new("first", [(1, 2), (9, 1)]), new("second", [(1, 1), (9, 2)])];

        string colored = Written(curves, ColorSystemSupport.Standard);

        Assert.Contains("\e[36m⣿ first\e[0m", colored, StringComparison.Ordinal);
        Assert.Contains("\e[33mo second\e[0m", colored, StringComparison.Ordinal);
        Assert.Matches("\e\\[33mo+\e\\[0m", colored.Split("o second")[0]);
        Assert.Equal(LineChart.Draw(curves, 40, 6), Written(curves, ColorSystemSupport.NoColors).TrimEnd('\n').Split('\n').Select(l => l.TrimEnd('\r')));
    }

    private static string Written(IReadOnlyList<Curve> curves, ColorSystemSupport colors)
    {
        using StringWriter text = new();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.Yes, ColorSystem = colors, Interactive = InteractionSupport.No, Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = 40;
        LineChart.Write(console, curves, 40, 6);
        return text.ToString();
    }

    [Fact]
    public void Draw_NoFinitePoint_DrawsNothing() => Assert.Empty(LineChart.Draw([new Curve("a", [(1, double.NaN)])], 40, 6));
}
