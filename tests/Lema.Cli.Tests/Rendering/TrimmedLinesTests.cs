using Lema.Cli.Rendering;

namespace Lema.Cli.Tests.Rendering;

public sealed class TrimmedLinesTests
{
    [Fact]
    public void Write_SpacesAtTheEndsOfLines_AreLeftOut()
    {
        using StringWriter target = new();
        using TrimmedLines lines = new(target);

        lines.Write("  a b ");
        lines.Write(" c  \n");
        lines.Write(' ');
        lines.Write("\n d");

        Assert.Equal("  a b  c\n\n d", target.ToString());
    }
}
