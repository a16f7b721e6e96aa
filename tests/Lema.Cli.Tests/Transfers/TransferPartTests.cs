using Lema.Cli.Errors;
using Lema.Cli.Transfers;

namespace Lema.Cli.Tests.Transfers;

public sealed class TransferPartTests
{
    [Fact]
    public void Missing_Holes_AreCutIntoParts()
    {
        const long Size = (3 * TransferPart.Size) + 10;

        TransferPart[] parts = [.. TransferPart.Missing("f", Size, [(0, 100), (200, 50)])];

        Assert.Equal((100, 100), (parts[0].Offset, parts[0].Length));
        Assert.Equal((250, TransferPart.Size), (parts[1].Offset, parts[1].Length));
        Assert.Equal(Size - 150, parts.Sum(p => p.Length));
        Assert.All(parts, p => Assert.InRange(p.Length, 1, TransferPart.Size));
    }

    [Fact]
    public void Without_RangesAroundAndInside_LeavesTheGapsOfThePart()
    {
        TransferPart part = new("f", 100, 100);

        Assert.Equal([(120, 30), (180, 20)], part.Without([(0, 120), (150, 30), (200, 50)]).Select(p => (p.Offset, p.Length)));
        Assert.Equal([part], part.Without([(0, 50), (300, 10)]));
        Assert.Empty(part.Without([(90, 60), (150, 60)]));
    }

    [Fact]
    public void Missing_Complete_IsEmpty() => Assert.Empty(TransferPart.Missing("f", 10, [(0, 10)]));

    [Theory]
    [InlineData("../evil")]
    [InlineData("/etc/passwd")]
    [InlineData("a/../../evil")]
    [InlineData("")]
    public void TargetOf_PathThatLeadsOut_IsRefused(string path) =>
        Assert.Equal(ExitCode.InvalidInput, Assert.Throws<CliException>(() => Downloader.TargetOf("/tmp/here", path)).ExitCode);

    [Fact]
    public void TargetOf_RelativePath_LiesBelowTheFolder() => Assert.Equal("/tmp/here/a/b", Downloader.TargetOf("/tmp/here", "a/b"));
}
