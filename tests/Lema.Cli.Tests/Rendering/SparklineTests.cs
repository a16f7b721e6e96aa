using Lema.Cli.Rendering;

namespace Lema.Cli.Tests.Rendering;

public sealed class SparklineTests
{
    [Fact]
    public void Draw_FallingSeries_FallsFromTheHighestToTheLowestLevel() => Assert.Equal("█▇▆▅▄▃▂▁", Sparkline.Draw([8, 7, 6, 5, 4, 3, 2, 1], 24));

    [Fact]
    public void Draw_MoreValuesThanColumns_ShowsTheMeansOfShares() => Assert.Equal("▁█", Sparkline.Draw([0, 2, 9, 11], 2));

    [Fact]
    public void Draw_FlatSeries_StaysAtTheBottom() => Assert.Equal("▁▁▁", Sparkline.Draw([1, 1, 1], 10));

    [Fact]
    public void Draw_NothingFinite_IsEmpty() => Assert.Equal("", Sparkline.Draw([double.NaN, double.PositiveInfinity], 10));
}
