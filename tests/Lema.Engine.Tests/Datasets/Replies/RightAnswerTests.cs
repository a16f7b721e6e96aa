using Lema.Engine.Datasets.Replies;

namespace Lema.Engine.Tests.Datasets.Replies;

public sealed class RightAnswerTests
{
    [Theory]
    [InlineData("The capital is Paris.", "paris", true)]
    [InlineData("PARIS", "Paris", true)]
    [InlineData("Parisian life", "Paris", false)]
    [InlineData("aParis, then Paris", "Paris", true)]
    [InlineData("It is 120.", "12", false)]
    [InlineData("It is 12,0.", "12", true)]
    [InlineData("_Ir_", "Ir", true)]
    [InlineData("élIr", "Ir", false)]
    [InlineData("éIr", "Ir", true)]
    [InlineData("", "Ir", false)]
    [InlineData("anything", "", false)]
    [InlineData("aaa a", "a", true)]
    public void ContainsWords_OfText_LooksAtTheNeighbours(string text, string words, bool expected) => Assert.Equal(expected, RightAnswer.ContainsWords(text, words));

    [Theory]
    [InlineData("Paris is the capital.", true)]
    [InlineData("[LEMA_REPLY]\nAnswer: Paris\nExplanation: e\nConfidence: High\n[/LEMA_REPLY]", true)]
    [InlineData("[LEMA_REPLY]\nAnswer: Rome\nExplanation: not Paris\nConfidence: High\n[/LEMA_REPLY]", false)]
    [InlineData("[LEMA_REPLY]\nAnswer: Paris\nExplanation: and on and on", false)]
    public void Holds_OfReply_LooksInTheAnswerOrInAPlainReply(string reply, bool expected) => Assert.Equal(expected, RightAnswer.Holds(ReplyFormat.Lema, reply, "Paris"));
}
