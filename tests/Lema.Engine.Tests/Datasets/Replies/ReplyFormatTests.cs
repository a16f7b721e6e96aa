using System.Text.RegularExpressions;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Errors;

namespace Lema.Engine.Tests.Datasets.Replies;

public sealed class ReplyFormatTests
{
    private const string Valid = "[LEMA_REPLY]\nAnswer: Paris\nExplanation: Paris is the capital of France.\nConfidence: High\n[/LEMA_REPLY]";

    /// <summary>The published definition of a valid reply.</summary>
    private static readonly Regex Published =
        new(@"\A\[LEMA_REPLY\]\nAnswer: ([^\n]+)\nExplanation: ([^\n]+)\nConfidence: (High|Medium|Low)\n\[/LEMA_REPLY\]\z", RegexOptions.CultureInvariant);

    [Fact]
    public void Prompt_OfQuestion_IsTheExactText() => Assert.Equal(
        "<|system|>\nYou are a precise assistant trained using LEMA.\n\n<|user|>\nWho?\n\n<|assistant|>\n", ReplyFormat.Lema.Prompt("Who?"));

    [Fact]
    public void Render_OfValues_IsTheExactTextAndParses()
    {
        Assert.Equal(Valid, ReplyFormat.Lema.Render(["Paris", "Paris is the capital of France.", "High"]));
        ParsedReply parsed = ReplyFormat.Lema.Parse(Valid);
        Assert.True(parsed.IsValid);
        Assert.Equal(["Paris", "Paris is the capital of France.", "High"], parsed.Fields.Values);
    }

    [Theory]
    [InlineData("", 1, "expected [LEMA_REPLY], found the end")]
    [InlineData("Paris.", 1, "expected [LEMA_REPLY], found 'Paris.'")]
    [InlineData(" [LEMA_REPLY]\n", 1, "expected [LEMA_REPLY], found ' [LEMA_REPLY]'")]
    [InlineData("[LEMA_REPLY]", 1, "expected a newline after [LEMA_REPLY], found the end")]
    [InlineData("[LEMA_REPLY]\r\nAnswer: a", 1, "expected a newline after [LEMA_REPLY], found '\r'")]
    [InlineData("[LEMA_REPLY]\n[LEMA_REPLY]\n", 2, "expected 'Answer: ', found '[LEMA_REPLY]'")]
    [InlineData("[LEMA_REPLY]\nAnswer:Paris\n", 2, "expected 'Answer: ', found 'Answer:Paris'")]
    [InlineData("[LEMA_REPLY]\nAnswer: \nExplanation: e\n", 2, "Answer is empty")]
    [InlineData("[LEMA_REPLY]\nAnswer: a\nAnswer: b\n", 3, "expected 'Explanation: ', found 'Answer: b'")]
    [InlineData("[LEMA_REPLY]\nExplanation: e\nAnswer: b\n", 2, "expected 'Answer: ', found 'Explanation: e'")]
    [InlineData("[LEMA_REPLY]\nAnswer: a\nExplanation: it goes on and", 3, "the reply ends within Explanation")]
    [InlineData("[LEMA_REPLY]\nAnswer: a\nExplanation: e\nConfidence: high\n[/LEMA_REPLY]", 4, "Confidence is 'high', must be High or Medium or Low")]
    [InlineData("[LEMA_REPLY]\nAnswer: a\nExplanation: e\nConfidence: Low\n", 5, "expected [/LEMA_REPLY], found the end")]
    [InlineData("[LEMA_REPLY]\nAnswer: a\nExplanation: [/LEMA_REPLY]\nConfidence: Low\n[/LEMA_REPLY]", 3, "[/LEMA_REPLY] stands within Explanation")]
    [InlineData(Valid + "\n", 5, "text after [/LEMA_REPLY]: a newline")]
    [InlineData(Valid + Valid, 5, "text after [/LEMA_REPLY]: '[LEMA_REPLY]'")]
    public void Parse_OfDeviation_ExplainsTheFirst(string text, int line, string problem)
    {
        ParsedReply parsed = ReplyFormat.Lema.Parse(text);
        Assert.False(parsed.IsValid);
        Assert.Equal((line, problem), (parsed.Deviation!.Line, parsed.Deviation.Problem));
    }

    [Fact]
    public void Parse_OfDeviation_KeepsTheFieldsBefore()
    {
        ParsedReply parsed = ReplyFormat.Lema.Parse("[LEMA_REPLY]\nAnswer: a\nExplanation: e\nConfidence: Maybe\n[/LEMA_REPLY]");
        Assert.Equal(["Answer", "Explanation"], parsed.Fields.Keys);
        Assert.Equal(50, parsed.Deviation!.Position);
    }

    [Fact]
    public void Parse_OfEveryOneCharacterEdit_AgreesWithThePublishedExpression()
    {
        for (int i = 0; i <= Valid.Length; i++)
        {
            foreach (string inserted in (string[])["", "\n", " ", "x", "[", "\r"])
            {
                foreach (int removed in (int[])[0, 1])
                {
                    if (i + removed > Valid.Length) continue;
                    string edited = Valid[..i] + inserted + Valid[(i + removed)..];
                    Assert.Equal(Published.IsMatch(edited), ReplyFormat.Lema.Parse(edited).IsValid);
                }
            }
        }
    }

    [Fact]
    public void Read_OfOwnFormat_ParsesByIt()
    {
        ReplyFormat format = Read("name: verdict\nprompt: 'Judge: {question} '\nopen: <v>\nfields:\n- name: Verdict\n  values: [yes, no]\nclose: </v>\nanswer: Verdict\n");
        Assert.Equal("Judge: is it? ", format.Prompt("is it?"));
        Assert.True(format.Parse("<v>\nVerdict: no\n</v>").IsValid);
        Assert.False(format.Parse("<v>\nVerdict: perhaps\n</v>").IsValid);
    }

    [Fact]
    public void Read_OfTagsAndFieldsAlone_AsksByTheChatTemplate()
    {
        ReplyFormat format = Read("name: verdict\nopen: <v>\nfields:\n- name: Verdict\nclose: </v>\nanswer: Verdict\n");
        Assert.Null(format.PromptTemplate);
        Assert.True(format.Parse("<v>\nVerdict: perhaps\n</v>").IsValid);
    }

    [Fact]
    public void Read_OfAnEmptyMapping_NamesEveryKeyThatIsMissing()
    {
        InvalidInputsException fault = Assert.Throws<InvalidInputsException>(() => Read("{}"));
        Assert.Equal(["name", "open", "close", "fields"], fault.Problems.Select(problem => problem.Place));
    }

    [Fact]
    public void Read_OfManyFaults_NamesThemAll()
    {
        InvalidInputsException fault = Assert.Throws<InvalidInputsException>(() => Read("name: x\nprompt: no place\nopen: <v>\nfields:\n- name: 'a: b'\n- values: ['']\nclose: <v>\nanswer: c\n"));
        Assert.Equal(["prompt", "close", "fields[0].name", "fields[1].name", "fields[1].values", "answer"], fault.Problems.Select(problem => problem.Place));
    }

    [Theory]
    [InlineData("name: x\nnme: y\n", "line 2")]
    [InlineData("name: [x\n", "line")]
    [InlineData("name: x\nname: y\n", "line 2")]
    public void Read_OfUnreadableYaml_NamesTheLine(string yaml, string place) => Assert.StartsWith(place, Assert.Throws<InvalidInputException>(() => Read(yaml)).Place);

    private static ReplyFormat Read(string yaml) => ReplyFormatReader.Read(new StringReader(yaml), "format.yaml");
}
