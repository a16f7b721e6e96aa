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

    [Property(MaxTest = 300, Arbitrary = [typeof(AnyText)])]
    public bool FromPair_AnyTexts_MaskTheWholePromptAndNothingElse(string prompt, string completion)
    {
        (prompt, completion) = (prompt ?? "", completion ?? "");
        int masked = DatasetFixture.Tokenizer.EncodePrompt(prompt).Length;
        TokenizedRow row = TokenizedRow.FromPair(DatasetFixture.Tokenizer, prompt, completion);
        return row.Labels.Take(masked).All(label => label == TokenizedRow.Ignored) && row.Labels.Skip(masked).SequenceEqual(row.Ids.Skip(masked)) && row.Ids[^1] == 0;
    }

    /// <summary>Turns of a conversation of any texts, the user first; the template's own marks of turns may stand in them too.</summary>
    private static ChatRow Conversation(string[] texts) => Chat([.. texts.Select((text, index) => (index % 2 == 0 ? "user" : "assistant", text))]);

    [Property(MaxTest = 300, Arbitrary = [typeof(AnyText)])]
    public bool Tokenize_AnyConversation_NoTokenThatBeginsInAPromptCarriesLossAndEveryOtherDoes(string[] texts)
    {
        if (texts.Length < 2) return true;
        ChatRow chat = Conversation(texts);
        string whole = Render(chat, texts.Length, prompt: false);
        (int Start, int End)[] replies = [.. Enumerable.Range(0, texts.Length).Where(index => index % 2 == 1)
            .Select(index => (Render(chat, index, prompt: true).Length, Render(chat, index + 1, prompt: false).Length))];
        TokenizedRow row = Tokenize(chat, LabelMask.Completion);
        return DatasetFixture.Tokenizer.EncodeSpans(whole, addSpecialTokens: false).Zip(row.Labels)
            .All(pair => replies.Any(reply => pair.First.Start >= reply.Start && pair.First.Start < reply.End) == (pair.Second != TokenizedRow.Ignored));
    }

    [Property(MaxTest = 200, Arbitrary = [typeof(AnyText)])]
    public bool Tokenize_LastTurn_BeginsWithTheFirstTokenAfterThePrompt(string[] texts)
    {
        if (texts.Length < 2) return true;
        int last = (texts.Length - 2) / 2 * 2 + 1;
        ChatRow chat = Conversation(texts[..(last + 1)]);
        TokenizedRow row = Tokenize(chat, LabelMask.LastTurn);
        int first = Array.FindIndex(row.Labels, label => label != TokenizedRow.Ignored);
        string prompt = Render(chat, last, prompt: true);
        // One token may cover the end of the prompt and the first letters of the reply; it counts to the prompt.
        return Decoded(row.Ids[..first]).StartsWith(prompt, StringComparison.Ordinal) && Decoded(row.Ids[..(first - 1)]).Length < prompt.Length && row.Labels.Skip(first).SequenceEqual(row.Ids.Skip(first));
    }

    private static string Decoded(long[] ids) => DatasetFixture.Tokenizer.Decode(ids.Select(id => (int)id), skipSpecialTokens: false);

    private static string Render(ChatRow chat, int turns, bool prompt) => DatasetFixture.ChatMlTemplate.Render(new ChatRequest
    {
        Messages = JsonSerializer.SerializeToElement(chat.Messages.EnumerateArray().Take(turns)), AddGenerationPrompt = prompt,
    }).Text;

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
