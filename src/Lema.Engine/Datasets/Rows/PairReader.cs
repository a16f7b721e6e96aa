using System.Text.Json;
using Lema.Engine.Errors;

namespace Lema.Engine.Datasets.Rows;

/// <summary>JSON Lines of <c>{"prompt", "completion"}</c>; other fields are not read, blank lines are skipped.</summary>
internal static class PairReader
{
    public static IEnumerable<(string Prompt, string Completion)> Read(string file)
    {
        int line = 0;
        foreach (string text in File.ReadLines(file))
        {
            line++;
            if (!string.IsNullOrWhiteSpace(text)) yield return Parse(file, line, text);
        }
    }

    private static (string Prompt, string Completion) Parse(string file, int line, string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return (Field(document.RootElement, "prompt"), Field(document.RootElement, "completion"));
        }
        catch (JsonException problem)
        {
            throw new InvalidInputException(file, $"line {line}", $"is not valid JSON: {problem.Message}", problem);
        }

        string Field(JsonElement row, string name) =>
            row.ValueKind == JsonValueKind.Object && row.TryGetProperty(name, out JsonElement field) && field.ValueKind == JsonValueKind.String
                ? field.GetString()!
                : throw new InvalidInputException(file, $"line {line}: {name}", "must be a string.");
    }
}
