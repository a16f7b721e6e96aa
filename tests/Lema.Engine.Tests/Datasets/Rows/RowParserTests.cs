using System.Text.Json;
using Lema.Engine.Datasets.Files;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Datasets.Rows;
using Lema.Engine.Errors;

namespace Lema.Engine.Tests.Datasets.Rows;

public sealed class RowParserTests
{
    [Theory]
    [InlineData("""{"instruction":"ask","output":"answer"}""", "user:ask assistant:answer")]
    [InlineData("""{"instruction":"ask","input":"about","output":"answer","system":"be brief"}""", "system:be brief user:ask\nabout assistant:answer")]
    [InlineData("""{"instruction":"ask","input":null,"output":"answer","history":[["before","that"]]}""", "user:before assistant:that user:ask assistant:answer")]
    [InlineData("""{"instruction":"ask","output":"answer","history":null}""", "user:ask assistant:answer")]
    public void Parse_Alpaca_IsAConversation(string json, string turns) => Assert.Equal(turns, Turns(RowFormat.Alpaca, json));

    [Theory]
    [InlineData("""{"conversations":[{"from":"human","value":"a"},{"from":"GPT","value":"b"},{"from":"observation","value":"c"}]}""", "user:a assistant:b tool:c")]
    [InlineData("""{"system":"s","conversations":[{"from":"user","value":"a"}],"tools":[]}""", "system:s user:a")]
    public void Parse_ShareGpt_IsAConversation(string json, string turns) => Assert.Equal(turns, Turns(RowFormat.ShareGpt, json));

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"a"}]}""", false)]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"tools":null}""", false)]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"tools":[{"name":"f"}]}""", true)]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":null,"tool_calls":[]}]}""", false)]
    public void Parse_Messages_KeepsThemAndTheTools(string json, bool tools) => Assert.Equal(tools, ((ChatRow)Parse(RowFormat.Messages, json)).Tools is not null);

    [Fact]
    public void Parse_Text_IsTakenAsItIs() => Assert.Equal(new TextRow("a\n"), Parse(RowFormat.Text, """{"text":"a\n"}"""));

    [Theory]
    [InlineData(RowFormat.Text, "{}", "text")]
    [InlineData(RowFormat.Text, """{"text":null}""", "text")]
    [InlineData(RowFormat.Text, """{"text":"\uD800"}""", "text")]
    [InlineData(RowFormat.Alpaca, """{"instruction":"a","output":"b","history":"c"}""", "history")]
    [InlineData(RowFormat.Alpaca, """{"instruction":"a","output":"b","history":["c"]}""", "history")]
    [InlineData(RowFormat.Alpaca, """{"instruction":"a","output":"b","history":[["c"]]}""", "history")]
    [InlineData(RowFormat.Alpaca, """{"instruction":"a","output":"b","history":[["c",1]]}""", "history")]
    [InlineData(RowFormat.Alpaca, """{"instruction":"a","output":"b","system":1}""", "system")]
    [InlineData(RowFormat.ShareGpt, "{}", "conversations")]
    [InlineData(RowFormat.ShareGpt, """{"conversations":[]}""", "conversations")]
    [InlineData(RowFormat.ShareGpt, """{"conversations":["a"]}""", "conversations[0]")]
    [InlineData(RowFormat.ShareGpt, """{"conversations":[{"from":"user"}]}""", "conversations[0].value")]
    [InlineData(RowFormat.ShareGpt, """{"conversations":[{"from":"user","value":"a"}],"tools":"t"}""", "tools")]
    [InlineData(RowFormat.Messages, """{"messages":"a"}""", "messages")]
    [InlineData(RowFormat.Messages, """{"messages":[]}""", "messages")]
    [InlineData(RowFormat.Messages, """{"messages":["a"]}""", "messages[0]")]
    [InlineData(RowFormat.Messages, """{"messages":[{"content":"a"}]}""", "messages[0].role")]
    [InlineData(RowFormat.Messages, """{"messages":[{"role":"user","content":1}]}""", "messages[0].content")]
    [InlineData(RowFormat.Messages, """{"messages":[{"role":"user","content":"a"}],"tools":{}}""", "tools")]
    [InlineData(RowFormat.Questions, """{"question":"a","answer":"b"}""", "explanation")]
    public void Parse_OfAnythingElse_NamesLineAndField(RowFormat format, string json, string field) =>
        Assert.Equal($"line 7: {field}", Assert.Throws<InvalidInputException>(() => Parse(format, json)).Place);

    [Fact]
    public void Parse_Questions_AreAskedInTheFormatsOwnPromptOrAsAUser()
    {
        RawRow row = new(7, JsonDocument.Parse("""{"question":"q","answer":"a","explanation":"e","confidence":"High"}""").RootElement, null);
        Assert.Equal(ReplyFormat.Lema.Prompt("q"), Assert.IsType<PairRow>(new RowParser("rows.jsonl", RowFormat.Questions, ReplyFormat.Lema).Parse(row)).Prompt);
        ChatRow asked = Assert.IsType<ChatRow>(new RowParser("rows.jsonl", RowFormat.Questions, ReplyFormat.Lema with { PromptTemplate = null }).Parse(row));
        Assert.Equal("q", asked.Messages[0].GetProperty("content").GetString());
        Assert.Equal(ReplyFormat.Lema.Render(["a", "e", "High"]), asked.Messages[1].GetProperty("content").GetString());
    }

    [Fact]
    public void Parse_OfARowThatCouldNotBeRead_SaysWhy()
    {
        InvalidInputException problem = new("rows.jsonl", "line 7", "is not JSON.");
        Assert.Same(problem, Assert.Throws<InvalidInputException>(() => new RowParser("rows.jsonl", RowFormat.Text, ReplyFormat.Lema).Parse(new(7, null, problem))));
    }

    [Theory]
    [InlineData("""[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]""", false)]
    [InlineData("""[{"role":"user","content":"a"},{"role":"assistant","content":""}]""", true)]
    [InlineData("""[{"role":"user","content":"a"},{"role":"assistant"}]""", true)]
    [InlineData("""[{"role":"user","content":"a"},{"role":"assistant","content":null}]""", true)]
    [InlineData("""[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"text","text":"b"}]}]""", false)]
    [InlineData("""[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[]}]""", false)]
    [InlineData("""[{"role":"user","content":"a"},{"role":"assistant","tool_calls":null}]""", true)]
    public void IsEmpty_OfAConversation_WhereTheAssistantSaysNothing(string messages, bool empty) =>
        Assert.Equal(empty, new ChatRow(JsonDocument.Parse(messages).RootElement, null).IsEmpty);

    [Theory]
    [InlineData("""[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]""", "a")]
    [InlineData("""[{"role":"system","content":"s"},{"role":"user","content":"q"},{"role":"assistant","content":"a"}]""", "a")]
    [InlineData("""[{"role":"user","content":"q"},{"role":"assistant","content":null}]""", "")]
    [InlineData("""[{"role":"user","content":"q"}]""", null)]
    [InlineData("""[{"role":"user","content":"q"},{"role":"user","content":"q"}]""", null)]
    [InlineData("""[{"role":"user","content":"q"},{"role":null,"content":"a"},{"role":"user","content":"q"}]""", null)]
    public void AlpacaPrompt_OfAConversation_TakesOneQuestionAndOneAnswer(string messages, string? completion)
    {
        (string Prompt, string Completion)? written = AlpacaPrompt.Of(JsonDocument.Parse(messages).RootElement);
        Assert.Equal(completion, written?.Completion);
        if (written is { } pair) Assert.Contains("### Instruction:\nq\n", pair.Prompt, StringComparison.Ordinal);
    }

    private static DatasetRow Parse(RowFormat format, string json) => new RowParser("rows.jsonl", format, ReplyFormat.Lema).Parse(new(7, JsonDocument.Parse(json).RootElement, null));

    private static string Turns(RowFormat format, string json) => string.Join(' ', ((ChatRow)Parse(format, json)).Messages.EnumerateArray()
        .Select(message => $"{message.GetProperty("role").GetString()}:{message.GetProperty("content").GetString()}"));
}
