using Lema.Engine.Models.Configuration;

namespace Lema.Engine.Tests.Models;

public sealed class RotarySettingsTests
{
    private const int Dimensions = 12;
    private const double Theta = 10000;

    private static readonly double[] Short = [1, 1, 1, 1.1, 1.2, 1.3], Long = [1, 2, 4, 8, 16, 32];

    [Theory]
    [InlineData(4096)]
    [InlineData(4097)]
    public void Frequencies_OfLongRope_AreDividedByTheListOfTheLength(int length)
    {
        RotarySettings rotary = new(Dimensions, Theta, new LongScaling(Short, Long, 4096, LongScaling.DefaultAttention(32, 4096)));
        double[] factors = length > 4096 ? Long : Short;
        AssertClose(j => Math.Pow(Theta, -2.0 * j / Dimensions) / factors[j], rotary.Frequencies(length));
        Assert.Equal(1.1902380714238083, rotary.AttentionFactor, 1e-12);
        Assert.NotEqual(rotary.Scaling.Kind(4096), rotary.Scaling.Kind(4097));
    }

    [Fact]
    public void Frequencies_OfDynamicNtk_HaveALargerBaseBeyondTheKnownPositions()
    {
        RotarySettings rotary = new(Dimensions, Theta, new DynamicScaling(2, 64));
        AssertClose(j => Math.Pow(Theta, -2.0 * j / Dimensions), rotary.Frequencies(64));
        double stretched = Theta * Math.Pow(2.0 * 96 / 64 - 1, Dimensions / (Dimensions - 2.0));
        AssertClose(j => Math.Pow(stretched, -2.0 * j / Dimensions), rotary.Frequencies(96));
    }

    [Fact]
    public void Frequencies_OfLinearScaling_AreDivided() =>
        AssertClose(j => Math.Pow(Theta, -2.0 * j / Dimensions) / 4, new RotarySettings(Dimensions, Theta, new LinearScaling(4)).Frequencies(64));

    [Fact]
    public void Frequencies_OfLlama3_AreDividedWhereTheWaveIsLongAndKeptWhereItIsShort()
    {
        const double factor = 8, low = 1, high = 4, original = 512;
        AssertClose(j =>
        {
            double plain = Math.Pow(Theta, -2.0 * j / Dimensions), turns = original * plain / (2 * Math.PI);
            return turns < low ? plain / factor : turns > high ? plain : plain * ((1 - (turns - low) / (high - low)) / factor + (turns - low) / (high - low));
        }, new RotarySettings(Dimensions, Theta, new Llama3Scaling(factor, low, high, (int)original)).Frequencies(64));
    }

    private static void AssertClose(Func<int, double> expected, float[] actual)
    {
        for (int j = 0; j < Dimensions / 2; j++) Assert.Equal(expected(j), actual[j], expected(j) * 1e-5);
    }
}
