using Lema.Server.Runs;

namespace Lema.Server.Tests;

public sealed class DownSamplingTests
{
    [Fact]
    public void Choose_OfALongCurveWithOnePeak_KeepsEndsPeakAndCount()
    {
        double[] xs = [.. Enumerable.Range(0, 100_000).Select(i => (double)i)], ys = new double[xs.Length];
        ys[54_321] = 10;
        int[] chosen = DownSampling.Choose(xs, ys, 2_000);
        Assert.Equal(2_000, chosen.Length);
        Assert.Equal(0, chosen[0]);
        Assert.Equal(99_999, chosen[^1]);
        Assert.Contains(54_321, chosen);
        Assert.Equal(chosen.Order().Distinct(), chosen);
    }

    [Fact]
    public void Choose_OfAShortCurve_KeepsAll() => Assert.Equal([0, 1, 2], DownSampling.Choose([1, 2, 3], [3, 1, 2], 5));

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void Choose_WithNotANumberAmongTheValues_StillRises(int count)
    {
        int[] chosen = DownSampling.Choose([1, 2, 3, 4, 5, 6, 7, 8], [1, double.NaN, 3, 2, double.NaN, 1, 0, 4], count);
        Assert.Equal(count, chosen.Length);
        Assert.Equal(chosen.Order().Distinct(), chosen);
    }
}
