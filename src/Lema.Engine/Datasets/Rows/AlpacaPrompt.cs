using System.Text.Json;

namespace Lema.Engine.Datasets.Rows;

/// <summary>The prompt of Stanford Alpaca (tatsu-lab/stanford_alpaca, train.py), for models without a chat template.</summary>
public static class AlpacaPrompt
{
    private const string Introduction = "Below is an instruction that describes a task. Write a response that appropriately completes the request.";

    /// <summary>The prompt of a question.</summary>
    public static string Of(string question) => Written(Introduction, question);

    /// <summary>Prompt and completion of one question and one answer, perhaps with a system message; null for any other conversation.</summary>
    public static (string Prompt, string Completion)? Of(JsonElement messages)
    {
        (string Role, string Content)[] turns = [.. messages.EnumerateArray().Select(message => (message.GetProperty("role").GetString() ?? "", Content(message)))];
        string introduction = Introduction;
        if (turns.Length == 3 && turns[0].Role == "system") (introduction, turns) = (turns[0].Content, turns[1..]);
        if (turns is not [("user", string question), ("assistant", string answer)]) return null;
        return (Written(introduction, question), answer);
    }

    private static string Written(string introduction, string question) => $"{introduction}\n\n### Instruction:\n{question}\n\n### Response:\n";

    private static string Content(JsonElement message) =>
        message.TryGetProperty("content", out JsonElement content) && content.ValueKind == JsonValueKind.String ? content.GetString()! : "";
}
