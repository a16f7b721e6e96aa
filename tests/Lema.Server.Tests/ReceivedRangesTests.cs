using Lema.Protocol.V1;
using Lema.Server.Artifacts;

namespace Lema.Server.Tests;

public sealed class ReceivedRangesTests
{
    [Theory]
    [InlineData("0+5 10+5", "0+5 10+5")]
    [InlineData("10+5 0+5", "0+5 10+5")]
    [InlineData("0+5 5+5", "0+10")]
    [InlineData("5+5 0+5", "0+10")]
    [InlineData("0+5 10+5 3+8", "0+15")]
    [InlineData("0+10 2+3", "0+10")]
    [InlineData("2+3 0+10", "0+10")]
    [InlineData("0+5 7+0", "0+5")]
    public void Add_InAnyOrder_NeitherTouchNorOverlap(string added, string expected)
    {
        ReceivedRanges ranges = new(added.Split(' ').Select(Parse));
        Assert.Equal(expected.Split(' ').Select(Parse), ranges.Ranges);
        Assert.Equal(expected.Split(' ').Sum(text => Parse(text).Length), ranges.Bytes);
    }

    private static ByteRange Parse(string text) =>
        text.Split('+') is [var offset, var length] ? new ByteRange { Offset = long.Parse(offset, null), Length = long.Parse(length, null) } : throw new FormatException(text);
}
