using System.Text.Json;
using Lema.Cli.Errors;
using Lema.Protocol.V1;

namespace Lema.Cli.Conversations;

/// <summary>Questions with the answers that are expected: JSON Lines with the fields question and expected.</summary>
internal static class QuestionFile
{
    private const int MostProblems = 20;

    /// <param name="file">Name of the file, for messages.</param>
    /// <exception cref="CliException">Lines that are no such object: all of them at once.</exception>
    public static QuestionList Parse(string text, string file)
    {
        QuestionList list = new();
        List<string> problems = [];
        int number = 0;
        foreach (string line in text.TrimStart('\uFEFF').Split('\n'))
        {
            number++;
            if (line.Trim().Length > 0) ParseLine(line, $"{file}:{number}", list, problems);
        }
        if (problems.Count > 0) throw new CliException(ExitCode.InvalidInput, $"{file} has {problems.Count} {(problems.Count == 1 ? "problem" : "problems")}.", [.. problems.Take(MostProblems), .. problems.Count > MostProblems ? [$"... and {problems.Count - MostProblems} more"] : Array.Empty<string>()]);
        return list.Questions.Count > 0 ? list : throw new CliException(ExitCode.InvalidInput, $"{file}: there is no question in it.");
    }

    private static void ParseLine(string line, string place, QuestionList list, List<string> problems)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                problems.Add($"{place}: expected {{\"question\", \"expected\"}}");
                return;
            }
            string? question = Field(document.RootElement, "question", place, problems);
            string? expected = Field(document.RootElement, "expected", place, problems);
            if (question is not null && expected is not null) list.Questions.Add(new Question { Question_ = question, Expected = expected });
        }
        catch (JsonException invalid)
        {
            problems.Add($"{place}: no JSON: {JsonProblem.Of(invalid)}");
        }
    }

    private static string? Field(JsonElement row, string name, string place, List<string> problems)
    {
        if (row.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text) return text;
        problems.Add($"{place}: {name}: expected a text");
        return null;
    }
}
