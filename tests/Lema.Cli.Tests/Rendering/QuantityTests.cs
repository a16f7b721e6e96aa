using Lema.Cli.Rendering;

namespace Lema.Cli.Tests.Rendering;

public sealed class QuantityTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(7_475_712, "7.1 MiB")]
    [InlineData(1e12, "931 GiB")]
    public void Bytes_AnySize_TakesTheUnitThatFits(double bytes, string expected) => Assert.Equal(expected, Quantity.Bytes(bytes));

    [Theory]
    [InlineData(0.04, "0.0 s")]
    [InlineData(9.94, "9.9 s")]
    [InlineData(9.96, "10 s")]
    [InlineData(59.6, "1 m 00 s")]
    [InlineData(3725, "1 h 02 m")]
    [InlineData(100_000, "1 d 03 h")]
    [InlineData(double.PositiveInfinity, "?")]
    public void Duration_AnySpan_ShowsTheTwoLargestUnits(double seconds, string expected) => Assert.Equal(expected, Quantity.Duration(seconds));

    [Theory]
    [InlineData(1.5e-3, "1.5e-3")]
    [InlineData(0.00123456, "1.23e-3")]
    [InlineData(0, "0e+0")]
    public void Rate_LearningRate_IsShownAsInRunFiles(double rate, string expected) => Assert.Equal(expected.Replace("e+0", "e0", StringComparison.Ordinal), Quantity.Rate(rate));
}
