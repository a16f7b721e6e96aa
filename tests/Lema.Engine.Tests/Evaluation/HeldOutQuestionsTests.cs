using Lema.Engine.Datasets.Replies;
using Lema.Engine.Errors;
using Lema.Engine.Evaluation;
using Lema.Engine.Tests.Datasets;
using Lema.Testing;

namespace Lema.Engine.Tests.Evaluation;

public sealed class HeldOutQuestionsTests
{
    private static readonly ReplyFormat Verdict = new("verdict", "Judge: {question}\n", "<v>", [new("Verdict", ["yes", "no"]), new("Why", [])], "</v>", "Verdict");

    private static HeldOutQuestions Read(string text, string name = "rows.jsonl", ReplyFormat? format = null)
    {
        using TemporaryFolder folder = new();
        return HeldOutQuestions.Read(DatasetFixture.Write(folder, name, text), DatasetFixture.Tokenizer, format ?? Verdict, count: 2);
    }

    private static string Prompt(PromptedQuestion asked) => DatasetFixture.Tokenizer.Decode(asked.Prompt, skipSpecialTokens: false);

    [Fact]
    public void Read_RowsOfQuestions_AsksInTheFormatAndExpectsTheAnswerField()
    {
        HeldOutQuestions held = Read("""{"question": "is it?", "verdict": "no", "why": "it is not"}""");
        PromptedQuestion asked = Assert.Single(held.Questions);
        Assert.Equal(("Judge: is it?\n", new ReplyQuestion("is it?", "no")), (Prompt(asked), asked.Question));
        Assert.Equal(DatasetFixture.Tokenizer.Encode("<v>\nVerdict: no\nWhy: it is not\n</v>", addSpecialTokens: false).Length + 1, held.LongestReply);
    }

    [Fact]
    public void Read_PromptsAndCompletions_AsksAsTheRowsDo()
    {
        HeldOutQuestions held = Read("""
            {"prompt": "Own words: ", "completion": "<v>\nVerdict: yes\nWhy: so\n</v>"}
            {"prompt": "Other: ", "completion": "plain"}
            {"prompt": "not read", "completion": "beyond the count"}
            """);
        Assert.Equal(["Own words: ", "Other: "], held.Questions.Select(Prompt));
        Assert.Equal(["yes", ""], held.Questions.Select(asked => asked.Question.Expected));
    }

    [Fact]
    public void Read_OneFieldOfTheRow_SaysWhatIsExpected() =>
        Assert.Equal(new("Who?", "she"), Read("""{"prompt": "p", "completion": "c", "question": "Who?", "expected": "she"}""").Questions[0].Question);

    [Fact]
    public void Read_Csv_IsReadToo() => Assert.Equal("p1", Prompt(Read("prompt,completion\np1,c1\n", "rows.csv").Questions[0]));

    [Fact]
    public void Read_FormatWithoutPrompt_AsksAsAConversation() =>
        Assert.EndsWith("### Instruction:\nis it?\n\n### Response:\n", Prompt(Read("""{"question": "is it?", "verdict": "no", "why": "w"}""", format: Verdict with { PromptTemplate = null }).Questions[0]), StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"text": "no prompt"}""", "line 1", "data.replyFormat")]
    [InlineData("""{"question": "q", "verdict": "no"}""", "line 1: why", "format verdict have a field Why")]
    public void Read_RowsThatCannotBeJudged_NamesTheRowAndTheRemedy(string text, string place, string problem)
    {
        InvalidInputException invalid = Assert.Throws<InvalidInputException>(() => Read(text));
        Assert.Equal(place, invalid.Place);
        Assert.Contains(problem, invalid.Problem, StringComparison.Ordinal);
    }
}
