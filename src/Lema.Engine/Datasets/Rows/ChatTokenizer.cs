using System.Text.Json;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Templates;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;

namespace Lema.Engine.Datasets.Rows;

/// <summary>
/// Renders a conversation with the model's template and finds what the assistant wrote in it: by the template's generation marks, or else by rendering the
/// conversation up to each of its turns and comparing.
/// </summary>
internal sealed class ChatTokenizer(Tokenizer tokenizer, ChatTemplate template, LabelMask mask)
{
    public TokenizedRow Tokenize(ChatRow chat, string place)
    {
        JsonElement[] messages = [.. chat.Messages.EnumerateArray()];
        RenderedChat whole = Render(chat, messages.Length, prompt: false, place);
        IReadOnlyList<(int Start, int End)> spans = template.MarksGeneration ? whole.Generations : TurnsOf(chat, messages, whole.Text, place);
        if (mask == LabelMask.LastTurn) spans = [.. spans.TakeLast(1)];
        RenderedChat learned = whole with { Generations = spans };

        IReadOnlyList<TokenSpan> tokens = tokenizer.EncodeSpans(whole.Text, addSpecialTokens: false);
        long[] ids = [.. tokens.Select(token => (long)token.Id)];
        long[] labels = [.. tokens.Select(token => Carries(learned, token) ? token.Id : TokenizedRow.Ignored)];
        return new TokenizedRow(ids, labels);
    }

    // By transformers' rule a token that reaches into a marked part carries loss. Of a part found by comparing, the prompt is all before it, so a token that
    // begins in the prompt does not.
    private bool Carries(RenderedChat learned, TokenSpan token) => template.MarksGeneration
        ? learned.Covers(token.Start, token.End)
        : learned.Generations.Any(span => token.Start >= span.Start && token.Start < span.End);

    private List<(int Start, int End)> TurnsOf(ChatRow chat, JsonElement[] messages, string whole, string place)
    {
        int first = mask == LabelMask.LastTurn ? Array.FindLastIndex(messages, IsAssistant) : 0;
        List<(int, int)> spans = [];
        for (int index = Math.Max(first, 0); index < messages.Length; index++)
        {
            if (!IsAssistant(messages[index])) continue;
            string before = Render(chat, index, prompt: true, place).Text;
            string after = index == messages.Length - 1 ? whole : Render(chat, index + 1, prompt: false, place).Text;
            if (!whole.StartsWith(before, StringComparison.Ordinal) || !whole.StartsWith(after, StringComparison.Ordinal) || after.Length < before.Length)
            {
                throw new InvalidInputException(place, $"messages[{index}]",
                    "the model's chat template writes this turn differently once others follow, so what carries loss cannot be told. Set data.labels to lastTurn, or mark the assistant's part in the template with {% generation %}.");
            }
            spans.Add((before.Length, after.Length));
        }
        return spans;
    }

    private static bool IsAssistant(JsonElement message) => message.GetProperty("role").GetString() == "assistant";

    private RenderedChat Render(ChatRow chat, int count, bool prompt, string place)
    {
        JsonElement messages = count == chat.Messages.GetArrayLength() ? chat.Messages : JsonSerializer.SerializeToElement(chat.Messages.EnumerateArray().Take(count));
        try
        {
            return template.Render(new ChatRequest
            {
                Messages = messages, Tools = chat.Tools, AddGenerationPrompt = prompt, BosToken = tokenizer.BosToken, EosToken = tokenizer.EosToken,
            });
        }
        catch (InvalidInputException problem)
        {
            throw new InvalidInputException(place, "", $"the model's chat template refuses the conversation: {problem.Problem}", problem);
        }
    }
}
