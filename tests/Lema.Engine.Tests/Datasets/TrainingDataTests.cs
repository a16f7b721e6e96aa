using Lema.Engine.Datasets;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Errors;
using Lema.Engine.Training;
using Lema.Testing;

namespace Lema.Engine.Tests.Datasets;

public class TrainingDataTests
{
    private const string Good = """{"prompt":"a","completion":"b"}""";

    private static ITrainingData Open(TemporaryFolder folder, string rows, Truncation truncation = Truncation.Cut) =>
        TrainingData.Open(DatasetFixture.Write(folder, "rows.jsonl", rows), DatasetFixture.Tokenizer, new RunSettings { MaxLength = 16, Data = new DataSettings { Truncation = truncation } });

    [Fact]
    public void Open_RowsThatTeachNothing_AreRefusedTogetherWithTheirLines()
    {
        using TemporaryFolder folder = new();
        string rows = string.Join('\n', Good, """{"prompt":"a","completion":""}""", $$"""{"prompt":"{{string.Concat(Enumerable.Repeat("word ", 40))}}","completion":"b"}""");
        InvalidInputsException problems = Assert.Throws<InvalidInputsException>(() => Open(folder, rows));
        Assert.Contains("line 2: completion: is empty.", problems.Message, StringComparison.Ordinal);
        Assert.Contains("line 3: has ", problems.Message, StringComparison.Ordinal);
        Assert.Contains("no token carries loss any more", problems.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_RowsThatAreTooLongAndDropped_LeavesTheOthers()
    {
        using TemporaryFolder folder = new();
        using ITrainingData data = Open(folder, $$"""
            {{Good}}
            {"prompt":"{{string.Concat(Enumerable.Repeat("word ", 40))}}","completion":"b"}
            """, Truncation.Drop);
        Assert.Equal(1, data.RowCount);
    }

    [Fact]
    public void Open_WhereAllRowsAreDropped_SaysWhyAndWhatToDo()
    {
        using TemporaryFolder folder = new();
        string row = $$"""{"prompt":"{{string.Concat(Enumerable.Repeat("word ", 40))}}","completion":"b"}""";
        InvalidInputException refused = Assert.Throws<InvalidInputException>(() => Open(folder, $"{row}\n{row}", Truncation.Drop));
        Assert.Equal("is dropped whole: all 2 rows have more than maxLength 16 tokens. Raise maxLength, or set data.truncation to cut.", refused.Problem);
    }
}
