using System.Text.Json;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Inspection;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Datasets.Rows;
using Lema.Testing;

namespace Lema.Engine.Tests.Datasets.Replies;

public sealed class ReplyFormatRecognitionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Of_RowsOfTheFormat_IsTheFormat() => Assert.Same(ReplyFormat.Lema, Recognized(Row("Who?", "Ada"), Row("What is 2 + 2?\nSay it.", "4")));

    [Fact]
    public void Of_RowsOfWhichOneHasAnotherReply_IsNone() => Assert.Null(Recognized(Row("Who?", "Ada"), (ReplyFormat.Lema.Prompt("Who?"), "Ada.")));

    [Fact]
    public void Of_RowsThatAskInAnotherWay_IsNone() => Assert.Null(Recognized(("Q: Who?\nA:", Row("Who?", "Ada").Reply)));

    [Fact]
    public void Of_NoRows_IsNone() => Assert.Null(ReplyFormatRecognition.Of([]));

    private ReplyFormat? Recognized(params (string Prompt, string Reply)[] rows)
    {
        string file = DatasetFixture.Write(_folder, "rows.jsonl", string.Concat(rows.Select(row => JsonSerializer.Serialize(new { prompt = row.Prompt, completion = row.Reply }) + "\n")));
        RowTokenizer tokenizer = RowTokenizer.Of(file, DatasetFixture.Tokenizer, LabelMask.Completion);
        return ReplyFormatRecognition.Of(DatasetPreview.Rows(new RowSource(file), tokenizer, DatasetFixture.Tokenizer, 0, ReplyFormatRecognition.Rows, maxLength: 0));
    }

    private static (string Prompt, string Reply) Row(string question, string answer) =>
        (ReplyFormat.Lema.Prompt(question), ReplyFormat.Lema.Render([answer, $"It is {answer}.", "High"]));
}
