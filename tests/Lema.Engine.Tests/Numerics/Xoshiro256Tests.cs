using Lema.Engine.Numerics;

namespace Lema.Engine.Tests.Numerics;

public sealed class Xoshiro256Tests
{
    /// <summary>Computed by an implementation of its own that gives the published sequence 11520, 0, 1509978240, 1215971899390074240 from state 1, 2, 3, 4.</summary>
    [Fact]
    public void NextUInt64_OfSeed42_GivesTheReferenceSequence()
    {
        Xoshiro256 random = new(42);
        Assert.Equal([1546998764402558742, 6990951692964543102, 12544586762248559009, 17057574109182124193],
            Enumerable.Range(0, 4).Select(_ => random.NextUInt64()));
    }

    [Fact]
    public void NextInt_OfBound_IsEvenAndInside()
    {
        Xoshiro256 random = new(1);
        int[] counts = new int[7];
        for (int i = 0; i < 70_000; i++) counts[random.NextInt(7)]++;
        Assert.All(counts, count => Assert.InRange(count, 9_600, 10_400));
    }

    [Fact]
    public void NextDouble_OfManyDraws_StaysInUnitIntervalAroundOneHalf()
    {
        Xoshiro256 random = new(1);
        double[] draws = [.. Enumerable.Range(0, 100_000).Select(_ => random.NextDouble())];
        Assert.All(draws, draw => Assert.True(draw is >= 0 and < 1));
        Assert.InRange(draws.Average(), 0.495, 0.505);
    }

    [Fact]
    public void Shuffle_OfItems_KeepsThemAll()
    {
        int[] items = [.. Enumerable.Range(0, 100)];
        new Xoshiro256(3).Shuffle<int>(items);
        Assert.NotEqual(Enumerable.Range(0, 100), items);
        Assert.Equal(Enumerable.Range(0, 100), items.Order());
    }
}
