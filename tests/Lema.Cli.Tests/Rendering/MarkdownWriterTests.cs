using Lema.Cli.Rendering;
using Spectre.Console.Testing;

namespace Lema.Cli.Tests.Rendering;

public sealed class MarkdownWriterTests
{
    [Theory]
    [InlineData("## Why\n", "Why\n")]
    [InlineData("- one\n  * two\n", "• one\n  • two\n")]
    [InlineData("a **b** and *c* and `d**e**`\n", "a b and c and d**e**\n")]
    [InlineData("```csharp\nint *a = **b;\n```\nend\n", "    int *a = **b;\nend\n")]
    [InlineData("3 * 4 * 5 and snake_case_name\n", "3 * 4 * 5 and snake_case_name\n")]
    [InlineData("[LEMA_REPLY]\nAnswer: Paris\n[/LEMA_REPLY]", "[LEMA_REPLY]\nAnswer: Paris\n[/LEMA_REPLY]\n")]
    public void Write_InPieces_ShowsWholeLines(string markdown, string expected)
    {
        TestConsole console = new();
        MarkdownWriter writer = new(console);

        foreach (char piece in markdown) writer.Write($"{piece}");
        writer.End();

        Assert.Equal(expected, console.Output);
    }

    [Fact]
    public void Write_Emphasis_IsStyled()
    {
        TestConsole console = new TestConsole().EmitAnsiSequences();
        new MarkdownWriter(console).Write("a **b** `c`\n");

        Assert.Contains("\e[1mb\e[0m", console.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('`', console.Output);
    }
}
