using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Inspection;
using Lema.Engine.Datasets.Rows;
using Lema.Testing;

namespace Lema.Engine.Tests.Datasets.Inspection;

public class DatasetValidatorTests
{
    private static readonly RowTokenizer Rows = new(DatasetFixture.Tokenizer, DatasetFixture.ChatMlTemplate, LabelMask.Completion);

    private static string Pair(string prompt, string completion) => $"{{\"prompt\":\"{prompt}\",\"completion\":\"{completion}\"}}\n";

    [Fact]
    public void Validate_EveryKindOfProblem_NamesLineAndField()
    {
        using TemporaryFolder folder = new();
        string file = DatasetFixture.Write(folder, "rows.jsonl",
            Pair("a", "fine") + Pair("a", "fine") + Pair("b", "") + "{\"prompt\":\"c\"}\n" + "{broken\n" + Pair("held", "out") + Pair("d", new string('x', 400)));
        string held = DatasetFixture.Write(folder, "held.jsonl", Pair("held", "out"));
        DatasetReport report = DatasetValidator.Validate(file, Rows, new ValidationOptions { MaxLength = 50, HeldOutFile = held });
        Assert.Equal(7, report.Rows);
        Assert.Equal("prompt-completion", report.Format);
        Assert.False(report.IsValid);
        Assert.Equal([(2, "", false), (3, "completion", true), (4, "completion", true), (5, "", true), (6, "", true), (7, "", false)],
            report.Problems.Select(problem => ((int)problem.Line, problem.Field, problem.IsError)));
        Assert.Contains("line 1", report.Problems[0].Problem, StringComparison.Ordinal);
        Assert.Equal(1, report.Statistics!.RowsOverLength);
        Assert.Equal(4, report.Statistics.Histogram.Sum(bin => bin.Rows));
        Assert.InRange(report.Statistics.LossShare, 0.5, 1);
    }

    [Theory]
    [InlineData("{\"instruction\":\"q\",\"output\":\"\"}", false)]
    [InlineData("{\"instruction\":\"q\",\"output\":\"a\"}", true)]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}", false)]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{}}}]}]}", true)]
    public void Validate_ConversationWithoutAnAnswer_TeachesNothing(string row, bool valid)
    {
        using TemporaryFolder folder = new();
        Assert.Equal(valid, DatasetValidator.Validate(DatasetFixture.Write(folder, "rows.jsonl", row), null, new ValidationOptions()).IsValid);
    }

    [Fact]
    public void Validate_DuplicateKeyAndBrokenJson_SayWhatAndWhereOnce()
    {
        using TemporaryFolder folder = new();
        string file = DatasetFixture.Write(folder, "rows.jsonl", Pair("a", "b") + "{\"prompt\":\"a\",\"prompt\":\"b\"}\n" + "nonsense\n");
        Assert.Equal(
            ["is not valid JSON: Duplicate property 'prompt' encountered during deserialization.", "is not valid JSON at byte 2: 'nonsense' is an invalid JSON literal. Expected the literal 'null'."],
            DatasetValidator.Validate(file, null, new ValidationOptions()).Problems.Select(problem => problem.Problem));
    }

    [Fact]
    public void Validate_ManyProblems_KeepsTheFirstAndCountsAll()
    {
        using TemporaryFolder folder = new();
        string file = DatasetFixture.Write(folder, "rows.jsonl", Pair("a", "b") + string.Concat(Enumerable.Repeat("{\"prompt\":\"a\",\"completion\":2}\n", 15)));
        DatasetReport report = DatasetValidator.Validate(file, null, new ValidationOptions { MostProblems = 5 });
        Assert.Equal(5, report.Problems.Count);
        Assert.Equal(15, report.ErrorCount);
        Assert.Null(report.Statistics);
    }

    [Fact]
    public void Validate_PromptThatFillsTheLength_TeachesNothingOnceCut()
    {
        using TemporaryFolder folder = new();
        string file = DatasetFixture.Write(folder, "rows.jsonl", Pair(string.Concat(Enumerable.Repeat("word ", 100)), "answer"));
        DatasetProblem problem = Assert.Single(DatasetValidator.Validate(file, Rows, new ValidationOptions { MaxLength = 20 }).Problems);
        Assert.True(problem.IsError);
        Assert.Contains("no token carries loss", problem.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_OfAPreview_JoinToTheRow()
    {
        using TemporaryFolder folder = new();
        RowSource source = new(DatasetFixture.Write(folder, "rows.jsonl", Pair("Wörter und 中文 ", "🙂 ist ein Zeichen")));
        PreviewedRow row = Assert.Single(DatasetPreview.Rows(source, Rows, DatasetFixture.Tokenizer, first: 0, count: 1, maxLength: 0));
        Assert.Equal("Wörter und 中文 🙂 ist ein Zeichen<|endoftext|>", string.Concat(row.Tokens.Select(token => token.Text)));
        Assert.Contains(row.Tokens, token => token.Text.Length == 0);
    }

    [Fact]
    public void Rows_OfAPreview_ShowTokensAndLoss()
    {
        using TemporaryFolder folder = new();
        RowSource source = new(DatasetFixture.Write(folder, "rows.jsonl", Pair("first", "row") + Pair("question", "answer")));
        PreviewedRow row = Assert.Single(DatasetPreview.Rows(source, Rows, DatasetFixture.Tokenizer, first: 1, count: 5, maxLength: 0));
        Assert.Equal(2, row.Line);
        Assert.Equal("answer<|endoftext|>", string.Concat(row.Tokens.Where(token => token.CarriesLoss).Select(token => token.Text)));
        Assert.True(row.Tokens[^1].IsSpecial);
        Assert.False(row.Truncated);
    }
}
