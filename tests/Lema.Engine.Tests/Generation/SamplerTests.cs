using Lema.Engine.Errors;
using Lema.Engine.Generation;
using Lema.Engine.Numerics;

namespace Lema.Engine.Tests.Generation;

public sealed class SamplerTests
{
    [Fact]
    public void Next_Greedy_TakesTheFirstOfTheLargest() => Assert.Equal(1, new Sampler(SamplingOptions.Greedy, [], new LogitFilter()).Next([0f, 2f, 2f, 1f]));

    [Fact]
    public void Next_GreedyWithPenalty_MovesAwayFromWhatOccurred()
    {
        Sampler sampler = new(SamplingOptions.Greedy with { RepetitionPenalty = 3 }, [1], new LogitFilter());
        Assert.Equal([2, 3], new[] { sampler.Next([0f, 2f, 1.9f, 1f]), sampler.Next([0f, 2f, 1.9f, 1f]) });
    }

    [Fact]
    public void Next_OfSameSeed_RepeatsItselfWhateverRunsBeside()
    {
        LogitFilter shared = new();
        SamplingOptions options = new() { Seed = 5, TopP = 0.9 };
        Sampler alone = new(options, [], new LogitFilter()), first = new(options, [], shared), other = new(options with { Seed = 6 }, [], shared);
        for (int i = 0; i < 50; i++)
        {
            float[] logits = Random(100, i);
            int expected = alone.Next([.. logits]);
            other.Next([.. logits]);
            Assert.Equal(expected, first.Next([.. logits]));
        }
    }

    [Fact]
    public void Next_OfManyDraws_FollowsTheProbabilities()
    {
        Sampler sampler = new(new SamplingOptions { Seed = 1 }, [], new LogitFilter());
        int[] counts = new int[4];
        for (int i = 0; i < 100_000; i++) counts[sampler.Next([MathF.Log(0.1f), float.NegativeInfinity, MathF.Log(0.6f), MathF.Log(0.3f)])]++;
        Assert.Equal(0, counts[1]);
        foreach ((int token, double share) in ((int, double)[])[(0, 0.1), (2, 0.6), (3, 0.3)]) Assert.InRange(counts[token] / 100_000.0, share - 0.006, share + 0.006);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(float.PositiveInfinity)]
    public void Next_OfUnusableLogits_Throws(float value) =>
        Assert.Throws<InvalidInputException>(() => new Sampler(new SamplingOptions(), [], new LogitFilter()).Next([value, float.NegativeInfinity]));

    [Fact]
    public void Validate_OfManyFaults_NamesThemAll()
    {
        SamplingOptions options = new() { Temperature = -1, TopK = -1, TopP = 0, MinP = 2, RepetitionPenalty = 0 };
        Assert.Equal(5, Assert.Throws<InvalidInputsException>(options.Validate).Problems.Count);
    }

    /// <summary>The linear filters against the plain definition by sorting, on a vocabulary of real size.</summary>
    [Theory]
    [InlineData(1, 0, 0.9)]
    [InlineData(2, 40, 0.95)]
    [InlineData(3, 5000, 1.0)]
    [InlineData(4, 0, 0.01)]
    public void Apply_OnLargeVocabulary_KeepsWhatSortingKeeps(int seed, int topK, double topP)
    {
        float[] logits = Random(128_256, seed), filtered = [.. logits];
        new LogitFilter().Apply(filtered, [], new SamplingOptions { TopK = topK, TopP = topP });

        int[] order = [.. Enumerable.Range(0, logits.Length).OrderByDescending(token => logits[token])];
        int[] kept = topK == 0 ? order : order[..topK];
        double total = kept.Sum(token => Math.Exp(logits[token])), sum = 0;
        int count = kept.TakeWhile(token =>
        {
            bool needed = sum < topP;
            sum += Math.Exp(logits[token]) / total;
            return needed;
        }).Count();
        Assert.Equal(kept[..count].Order(), Enumerable.Range(0, filtered.Length).Where(token => filtered[token] > 0));
        Assert.Equal(1, filtered.Sum(probability => (double)probability), 5);
    }

    private static float[] Random(int count, int seed)
    {
        Xoshiro256 random = new((ulong)seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(4 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(Math.Tau * random.NextDouble())))];
    }
}
