using System.Text.Json;
using Lema.Engine.Errors;
using Lema.Protocol.V1;

namespace Lema.Server.Datasets;

/// <summary>Questions and expected answers of a JSON Lines dataset: fields <c>question</c> and <c>expected</c> (or <c>answer</c>).</summary>
internal static class QuestionReader
{
    /// <param name="limit">Rows at the most; 0: all.</param>
    /// <exception cref="InvalidInputException">A row has no question.</exception>
    public static IEnumerable<Question> Read(string file, int limit)
    {
        if (!file.EndsWith(".jsonl", StringComparison.Ordinal)) throw new InvalidInputException("dataset", "", "its rows have no questions: a .jsonl with the fields question and expected is needed.");
        int lineNumber = 0, rows = 0;
        foreach (string line in File.ReadLines(file))
        {
            lineNumber++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            if (limit > 0 && rows++ == limit) yield break;
            yield return ReadRow(line, lineNumber);
        }
    }

    private static Question ReadRow(string line, int lineNumber)
    {
        try
        {
            using JsonDocument row = JsonDocument.Parse(line);
            return new Question
            {
                Question_ = Text(row, "question") ?? throw new InvalidInputException("dataset", $"line {lineNumber}", "has no text field 'question'."),
                Expected = Text(row, "expected") ?? Text(row, "answer") ?? "",
            };
        }
        catch (JsonException error)
        {
            throw new InvalidInputException("dataset", $"line {lineNumber}", $"is no JSON: {error.Message}", error);
        }
    }

    private static string? Text(JsonDocument row, string field) =>
        row.RootElement.ValueKind == JsonValueKind.Object && row.RootElement.TryGetProperty(field, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
