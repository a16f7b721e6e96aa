using Lema.Cli.Rendering;
using Spectre.Console.Testing;

namespace Lema.Cli.Tests.Rendering;

public sealed class TextTableTests
{
    [Theory]
    [InlineData(40, "NAME       STATE       STEP\nfirst-run  running  120/200\n")]
    [InlineData(80, "NAME       STATE       STEP  MODEL\nfirst-run  running  120/200  a-model-with-a-rather-long-name\n")]
    [InlineData(200, "NAME       STATE       STEP  MODEL                            DATASET\nfirst-run  running  120/200  a-model-with-a-rather-long-name  questions-and-answers\n")]
    public void Write_Width_LeavesOutColumnsThatDoNotFit(int width, string expected)
    {
        TestConsole console = new TestConsole().Width(width);
        TextTable table = new(new("NAME"), new("STATE"), new("STEP", 1, Right: true), new("MODEL", 2), new("DATASET", 3));
        table.Add("first-run", "running", "120/200", "a-model-with-a-rather-long-name", "questions-and-answers");

        table.Write(console);

        Assert.Equal(expected, string.Join('\n', console.Lines.Select(l => l.TrimEnd())) + "\n");
    }

    [Fact]
    public void Write_ControlCharacters_AreReplaced()
    {
        TestConsole console = new();
        TextTable table = new(new TableColumn("NAME"));
        table.Add("evil\e[2Jname");

        table.Write(console);

        Assert.Contains("evil\uFFFD[2Jname", console.Output, StringComparison.Ordinal);
    }
}
