using Lema.Web.ViewModels;

namespace Lema.Web.Tests.ViewModels;

public sealed class FiguresTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(3_424_000, "3.27 MiB")]
    [InlineData(8589934592, "8 GiB")]
    public void Bytes_AnySize_HasThreeDigitsAndAUnit(double bytes, string expected) => Assert.Equal(expected, Figures.Bytes(bytes));

    [Theory]
    [InlineData(0.21, "210 ms")]
    [InlineData(18.3, "18.3 s")]
    [InlineData(200, "3 min 20 s")]
    [InlineData(7500, "2 h 05 min")]
    [InlineData(273_600, "3 d 4 h")]
    [InlineData(double.PositiveInfinity, "–")]
    public void Duration_AnyLength_ReadsNaturally(double seconds, string expected) => Assert.Equal(expected, Figures.Duration(seconds));

    [Theory]
    [InlineData(0.000607, "6.07e-4")]
    [InlineData(0.44637, "0.4464")]
    [InlineData(6880, "6,880")]
    [InlineData(1_712_000, "1.71 M")]
    [InlineData(double.NaN, "NaN")]
    public void Number_AnyMagnitude_IsShort(double number, string expected) => Assert.Equal(expected, Figures.Number(number));
}
