using System.Text.Json;
using Lema.Engine.Datasets.Files;
using Lema.Engine.Errors;
using Lema.Testing;

namespace Lema.Engine.Tests.Datasets.Rows;

public sealed class DatasetSplitTests
{
    private static (string[] Train, string[] HeldOut) Split(TemporaryFolder folder, DatasetSplit split, IEnumerable<string> rows, string name = "rows.jsonl")
    {
        string file = DatasetFixture.Write(folder, name, string.Join('\n', rows));
        split.Write(file, folder.File("train"), folder.File("heldout"));
        return (File.ReadAllLines(folder.File("train")), File.ReadAllLines(folder.File("heldout")));
    }

    private static string Row(int index) => $$"""{"prompt":"é{{index}}","completion":"c","user":{{index % 50}}}""";

    private static string[] Keys(string[] rows) => [.. rows.Select(row => JsonDocument.Parse(row).RootElement.GetProperty("user").GetRawText()).Distinct()];

    [Fact]
    public void Write_ByRow_HoldsOutTheShareAndKeepsOrderAndText()
    {
        using TemporaryFolder folder = new();
        string[] rows = [.. Enumerable.Range(0, 1000).Select(Row)];
        (string[] train, string[] held) = Split(folder, new DatasetSplit(0.25, 3, null), rows);
        Assert.Equal(250, held.Length);
        Assert.Equal(rows.Except(held), train);
        Assert.Equal(rows.Where(held.Contains), held);
        Assert.NotEqual(held, Split(folder, new DatasetSplit(0.25, 4, null), rows).HeldOut);
    }

    [Fact]
    public void Write_ByKey_KeepsKeysTogetherAlsoWhenRowsAreAdded()
    {
        using TemporaryFolder folder = new();
        DatasetSplit split = new(0.2, 3, "user");
        string[] rows = [.. Enumerable.Range(0, 1000).Select(Row)];
        (string[] train, string[] held) = Split(folder, split, rows);
        Assert.Empty(Keys(train).Intersect(Keys(held)));
        Assert.InRange(held.Length, 60, 360);
        Assert.Equal(held.Where(rows[..500].Contains), Split(folder, split, rows[..500]).HeldOut);
    }

    [Fact]
    public void Write_ByAKeyOfText_KeepsKeysTogether()
    {
        using TemporaryFolder folder = new();
        string[] rows = [.. Enumerable.Range(0, 100).Select(index => $$"""{"text":"{{index}}","user":"user {{index % 10}}"}""")];
        (string[] train, string[] held) = Split(folder, new DatasetSplit(0.3, 3, "user"), rows);
        Assert.Equal(10, Keys(train).Length + Keys(held).Length);
        Assert.Equal(rows.Order(StringComparer.Ordinal), train.Concat(held).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Write_OfCsv_GivesJsonLines()
    {
        using TemporaryFolder folder = new();
        (string[] train, string[] held) = Split(folder, new DatasetSplit(0.5, 1, null), ["prompt,completion", "p1,c1", "p2,c2"], "rows.csv");
        Assert.Equal(["""{"prompt":"p1","completion":"c1"}""", """{"prompt":"p2","completion":"c2"}"""], train.Concat(held).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("{\"text\":\"a\"}\n{broken", null, "line 2")]
    [InlineData("{\"text\":\"a\",\"k\":1}\n{\"text\":\"b\"}", "k", "line 2: k")]
    [InlineData("{\"text\":\"only one\"}", null, "")]
    public void Write_OfWhatCannotBeDivided_SaysWhere(string text, string? key, string place)
    {
        using TemporaryFolder folder = new();
        Assert.Equal(place, Assert.Throws<InvalidInputException>(() => Split(folder, new DatasetSplit(0.5, 1, key), [text])).Place);
    }
}
