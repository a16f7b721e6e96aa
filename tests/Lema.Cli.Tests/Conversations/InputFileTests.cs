using Lema.Cli.Conversations;
using Lema.Cli.Errors;

namespace Lema.Cli.Tests.Conversations;

public sealed class InputFileTests
{
    [Fact]
    public void Parse_Questions_TakesBothFields()
    {
        var list = QuestionFile.Parse("{\"question\":\"Q1\",\"expected\":\"A1\",\"other\":1}\r\n\n{\"question\":\"Q2\",\"expected\":\"A2\"}", "q.jsonl");

        Assert.Equal([("Q1", "A1"), ("Q2", "A2")], list.Questions.Select(q => (q.Question_, q.Expected)));
    }

    [Fact]
    public void Parse_BadLines_AreAllNamed()
    {
        CliException failure = Assert.Throws<CliException>(() => QuestionFile.Parse("{\"question\":\"Q1\"}\nnot json\n[1]\n", "q.jsonl"));

        Assert.Equal(ExitCode.InvalidInput, failure.ExitCode);
        Assert.Equal("q.jsonl:1: expected: expected a text", failure.Remedies[0]);
        Assert.StartsWith("q.jsonl:2: ", failure.Remedies[1], StringComparison.Ordinal);
        Assert.StartsWith("q.jsonl:3: ", failure.Remedies[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_Empty_IsInvalid() => Assert.Equal(ExitCode.InvalidInput, Assert.Throws<CliException>(() => QuestionFile.Parse("\n", "q.jsonl")).ExitCode);

    [Fact]
    public void Parse_Messages_TakesTextAndJson() =>
        Assert.Equal(["plain", "from message", "from question"], MessageFile.Parse("plain\n{\"message\":\"from message\"}\n\n{\"question\":\"from question\"}\n"));
}
