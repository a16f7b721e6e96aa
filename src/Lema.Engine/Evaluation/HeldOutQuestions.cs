using System.Text.Json;
using Lema.Engine.Datasets;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Files;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Datasets.Rows;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;

namespace Lema.Engine.Evaluation;

/// <summary>A question with the ids of its prompt.</summary>
public sealed record PromptedQuestion(ReplyQuestion Question, IReadOnlyList<int> Prompt);

/// <summary>
/// Held-out rows as questions. The prompt is the row's own tokens up to its last reply, so that a model is asked exactly as it was trained; what is expected is
/// the row's field <c>expected</c>, or else the answer field of its own reply.
/// </summary>
/// <param name="LongestReply">Tokens of the longest reply that the rows hold.</param>
internal sealed record HeldOutQuestions(IReadOnlyList<PromptedQuestion> Questions, int LongestReply)
{
    private const string QuestionField = "question", ExpectedField = "expected";

    /// <summary>Whether the rows say themselves what is to be asked and what is right.</summary>
    public static bool AreIn(string file) => DatasetFile.Read(file).FirstOrDefault() is { Value: { } row } && Text(row, QuestionField) is not null && Text(row, ExpectedField) is not null;

    /// <param name="count">Rows to read, from the first.</param>
    /// <exception cref="LemaException">A row is not valid, or has no prompt or no reply.</exception>
    public static HeldOutQuestions Read(string file, Tokenizer tokenizer, ReplyFormat format, int count)
    {
        RowParser parser = new(file, FormatDetector.Detect(file).Format, format);
        RowTokenizer tokens = RowTokenizer.Of(file, tokenizer, LabelMask.LastTurn);
        List<PromptedQuestion> questions = [];
        int longest = 0;
        foreach (RawRow raw in DatasetFile.Read(file).Take(count))
        {
            string place = $"{file}: line {raw.Line}";
            DatasetRow row = parser.Parse(raw);
            TokenizedRow tokenized = tokens.Tokenize(row, place);
            int prompt = Array.FindIndex(tokenized.Labels, label => label != TokenizedRow.Ignored);
            if (prompt <= 0) throw new InvalidInputException(file, $"line {raw.Line}", "has no prompt and reply to judge by data.replyFormat. Leave data.replyFormat out, or evaluate on rows of prompts and completions or of messages.");
            longest = Math.Max(longest, tokenized.Length - prompt);
            (string question, string reply) = Turns(row);
            questions.Add(new(
                new(Text(raw.Value!.Value, QuestionField) ?? question, Text(raw.Value.Value, ExpectedField) ?? AnswerOf(format, reply)), [.. tokenized.Ids[..prompt].Select(id => (int)id)]));
        }
        return new(questions, longest);
    }

    private static string AnswerOf(ReplyFormat format, string reply) => format.Parse(reply) is { IsValid: true } parsed ? parsed.Fields[format.AnswerField] : "";

    private static (string Question, string Reply) Turns(DatasetRow row) => row switch
    {
        PairRow pair => (pair.Prompt, pair.Completion),
        ChatRow chat => (LastOf(chat, "user"), LastOf(chat, "assistant")),
        _ => ("", ""),
    };

    private static string LastOf(ChatRow chat, string role) =>
        chat.Messages.EnumerateArray().LastOrDefault(message => message.GetProperty("role").GetString() == role) is { ValueKind: JsonValueKind.Object } message ? Text(message, "content") ?? "" : "";

    private static string? Text(JsonElement row, string field) => row.TryGetProperty(field, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
