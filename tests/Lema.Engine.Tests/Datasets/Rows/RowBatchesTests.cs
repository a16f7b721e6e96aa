using Lema.Engine.Datasets.Rows;

namespace Lema.Engine.Tests.Datasets.Rows;

public sealed class RowBatchesTests
{
    private static int[] Sizes(IEnumerable<int> lengths) =>
        [.. lengths.Select((length, index) => new SourceRow(index + 1, new TextRow(new string('a', length)), null)).InBatches().Select(batch => batch.Count)];

    [Fact]
    public void InBatches_ShortRows_IsBoundedInRows() => Assert.Equal([2048, 2048, 4], Sizes(Enumerable.Repeat(10, 4100)));

    [Fact]
    public void InBatches_LongRows_IsBoundedInText() => Assert.Equal([4, 4, 1], Sizes(Enumerable.Repeat(1 << 20, 9)));

    [Fact]
    public void InBatches_RowBeyondTheBound_IsABatchOfItsOwn() => Assert.Equal([1, 1, 1], Sizes([10, 5 << 20, 10]));

    [Fact]
    public void InBatches_KeepsOrderAndRowsWithProblems()
    {
        SourceRow[] rows = [new(1, null, new("file", "line 1", "is wrong.")), new(2, new PairRow("p", "c"), null)];
        Assert.Equal(rows, rows.InBatches().SelectMany(batch => batch));
    }
}
