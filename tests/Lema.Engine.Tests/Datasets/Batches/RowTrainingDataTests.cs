using FsCheck.Xunit;
using Lema.Engine.Datasets;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Training;

namespace Lema.Engine.Tests.Datasets.Batches;

public class RowTrainingDataTests
{
    private static RowTrainingData Data(int count, DataSettings data, int microBatch = 2, int accumulation = 2, int maxLength = 64) => new(
        new MemoryRows([.. Enumerable.Range(0, count).Select(row => new TokenizedRow([.. Enumerable.Repeat((long)row, 1 + row % 7)], [.. Enumerable.Repeat((long)row, 1 + row % 7)]))]),
        new RunSettings { Seed = 5, MicroBatchSize = microBatch, GradientAccumulation = accumulation, MaxLength = maxLength, Data = data });

    private static long[] Step(RowTrainingData data, int step) => [.. Enumerable.Range(0, 2).SelectMany(micro => data.MicroBatch(step, micro)).Select(row => row.Ids[0])];

    [Fact]
    public void MicroBatch_Unshuffled_IsFileOrderOverAndOver()
    {
        using RowTrainingData data = Data(6, new DataSettings { Shuffle = false });
        Assert.Equal([0, 1, 2, 3], Step(data, 0));
        Assert.Equal([4, 5, 0, 1], Step(data, 1));
        Assert.Equal(2, data.StepsFor(1));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void MicroBatch_AskedInAnyOrder_IsTheSame(bool grouped, bool packed)
    {
        DataSettings settings = new() { GroupByLength = grouped, Packing = packed };
        using RowTrainingData forward = Data(101, settings), backward = Data(101, settings);
        long[][] steps = [.. Enumerable.Range(0, 60).Select(step => Step(forward, step))];
        for (int step = 59; step >= 0; step--) Assert.Equal(steps[step], Step(backward, step));
    }

    [Property(MaxTest = 50)]
    public bool MicroBatch_OneEpoch_HasEveryRowOnce(byte size, bool grouped)
    {
        int count = 4 * (size % 50 + 1);
        using RowTrainingData data = Data(count, new DataSettings { GroupByLength = grouped });
        long[] seen = [.. Enumerable.Range(0, count / 4).SelectMany(step => Step(data, step))];
        return seen.Order().SequenceEqual(Enumerable.Range(0, count).Select(row => (long)row));
    }

    [Fact]
    public void MicroBatch_Packed_FillsSequencesWithoutLosingRows()
    {
        using RowTrainingData data = Data(100, new DataSettings { Packing = true }, microBatch: 1, accumulation: 1, maxLength: 16);
        IReadOnlyList<TokenizedRow>[] sequences = [.. Enumerable.Range(0, data.StepsFor(1)).Select(step => data.MicroBatch(step, 0))];
        Assert.All(sequences, sequence => Assert.InRange(sequence.Sum(row => row.Length), 1, 16));
        Assert.Equal(Enumerable.Range(0, 100).Select(row => (long)row), sequences.SelectMany(sequence => sequence).Select(row => row.Ids[0]).Order());
        Assert.InRange(sequences.Length, 25, 28);
    }

    [Theory]
    [InlineData(false, 64)]
    [InlineData(false, 4)]
    [InlineData(true, 16)]
    public void MeanStepTokens_WholeEpoch_IsWhatItsStepsHold(bool packed, int maxLength)
    {
        // The seventy rows make an epoch of 70 one-sequence steps, or of as many as packing needs.
        using RowTrainingData one = Data(70, new DataSettings { Packing = packed }, microBatch: 1, accumulation: 1, maxLength);
        using RowTrainingData four = Data(70, new DataSettings { Packing = packed }, microBatch: 2, accumulation: 2, maxLength);

        double mean = Enumerable.Range(0, one.StepsFor(1)).Average(step => one.MicroBatch(step, 0).Sum(row => row.Length));

        Assert.Equal(mean, one.MeanStepTokens(), precision: 9);
        Assert.Equal(4 * mean, four.MeanStepTokens(), precision: 9);
    }

    [Fact]
    public void MicroBatch_GroupedByLength_HoldsSimilarRows()
    {
        using RowTrainingData grouped = Data(448, new DataSettings { GroupByLength = true }, microBatch: 8, accumulation: 1);
        int spread = Enumerable.Range(0, 56).Max(step => grouped.MicroBatch(step, 0).Max(row => row.Length) - grouped.MicroBatch(step, 0).Min(row => row.Length));
        Assert.InRange(spread, 0, 1);
    }

    [Fact]
    public void Of_RowsOfUnequalLength_ArePaddedOnTheRight()
    {
        PaddedBatch batch = PaddedBatch.Of([new TokenizedRow([5, 6, 7], [-100, 6, 7]), new TokenizedRow([8], [8])]);
        Assert.Equal([5, 6, 7, 8, 0, 0], batch.InputIds);
        Assert.Equal([1, 1, 1, 1, 0, 0], batch.AttentionMask);
        Assert.Equal([-100, 6, 7, 8, -100, -100], batch.Labels);
    }
}
