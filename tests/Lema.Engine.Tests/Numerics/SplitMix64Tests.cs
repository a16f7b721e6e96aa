using Lema.Engine.Numerics;

namespace Lema.Engine.Tests.Numerics;

public sealed class SplitMix64Tests
{
    [Fact]
    public void Next_OfTheReferenceSeed_GivesThePublishedNumbers()
    {
        SplitMix64 random = new(1234567);
        Assert.Equal([6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821], Enumerable.Range(0, 5).Select(_ => random.Next()));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_003)]
    public void Skip_OfSomeNumbers_IsWhereDrawingThemLeads(int count)
    {
        SplitMix64 drawn = new(9), skipped = new SplitMix64(9).Skip(count);
        for (int i = 0; i < count; i++) drawn.Next();
        Assert.Equal(drawn.Next(), skipped.Next());
    }
}
