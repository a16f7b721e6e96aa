using FsCheck.Xunit;
using Lema.Engine.Datasets;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Rows;
using Lema.Engine.Datasets.Templates;
using Lema.Engine.Errors;
using System.Text.Json;

namespace Lema.Engine.Tests.Datasets.Rows;

public class LabelMaskTests
{
    private static string Learned(TokenizedRow row) => DatasetFixture.Tokenizer.Decode(row.Labels.Where(label => label != TokenizedRow.Ignored).Select(label => (int)label), false);

    private static ChatRow Chat(params (string Role, string Content)[] turns) =>
        new(JsonSerializer.SerializeToElement(turns.Select(turn => new { role = turn.Role, content = turn.Content })), null);

    private static TokenizedRow Tokenize(ChatRow row, LabelMask mask) => new RowTokenizer(DatasetFixture.Tokenizer, DatasetFixture.ChatMlTemplate, mask).Tokenize(row, "row");

    [Property(MaxTest = 300)]
    public bool FromPair_AnyTexts_MaskTheWholePromptAndNothingElse(string prompt, string completion)
    {
        (prompt, completion) = (prompt ?? "", completion ?? "");
        int masked = DatasetFixture.Tokenizer.EncodePrompt(prompt).Length;
        TokenizedRow row = TokenizedRow.FromPair(DatasetFixture.Tokenizer, prompt, completion);
        return row.Labels.Take(masked).All(label => label == TokenizedRow.Ignored) && row.Labels.Skip(masked).SequenceEqual(row.Ids.Skip(masked)) && row.Ids[^1] == 0;
    }

    [Property(MaxTest = 200)]
    public bool Tokenize_AnyConversation_MasksEveryTokenBeforeTheReply(string question, string answer)
    {
        (question, answer) = (question ?? "", answer ?? "");
        TokenizedRow row = Tokenize(Chat(("user", question), ("assistant", answer)), LabelMask.Completion);
        string prompt = DatasetFixture.ChatMlTemplate.Render(new ChatRequest { Messages = Chat(("user", question)).Messages, AddGenerationPrompt = true }).Text;
        long[] ids = [.. DatasetFixture.Tokenizer.Encode(prompt, false).Select(id => (long)id)];
        int common = row.Ids.Zip(ids).TakeWhile(pair => pair.First == pair.Second).Count();
        return row.Labels.Take(common).All(label => label == TokenizedRow.Ignored);
    }

    [Fact]
    public void Tokenize_EveryAssistantTurn_CarriesLoss()
    {
        ChatRow chat = Chat(("system", "S"), ("user", "one"), ("assistant", "first"), ("user", "two"), ("assistant", "second"));
        Assert.Equal("first<|im_end|>\nsecond<|im_end|>\n", Learned(Tokenize(chat, LabelMask.Completion)));
        Assert.Equal("second<|im_end|>\n", Learned(Tokenize(chat, LabelMask.LastTurn)));
        Assert.StartsWith("<|im_start|>system\nS", Learned(Tokenize(chat, LabelMask.All)), StringComparison.Ordinal);
    }

    [Fact]
    public void Tokenize_TemplateThatRewritesHistory_IsRefusedUnlessOnlyTheLastTurnCounts()
    {
        ChatTemplate template = ChatTemplate.Parse("{% for m in messages %}[{{ m.role }}{% if loop.last %}!{% endif %}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant!]{% endif %}", "rewrites");
        ChatRow chat = Chat(("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"));
        Assert.Throws<InvalidInputException>(() => new RowTokenizer(DatasetFixture.Tokenizer, template, LabelMask.Completion).Tokenize(chat, "row"));
    }

    [Fact]
    public void Tokenize_ConversationWithoutTemplate_NeedsOne()
    {
        RowTokenizer plain = new(DatasetFixture.Tokenizer, null, LabelMask.Completion);
        Assert.Equal("yes<|endoftext|>", Learned(plain.Tokenize(Chat(("user", "is it?"), ("assistant", "yes")), "row")));
        Assert.Contains("chat_template.jinja", Assert.Throws<InvalidInputException>(() => plain.Tokenize(Chat(("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")), "row")).Message, StringComparison.Ordinal);
    }
}
