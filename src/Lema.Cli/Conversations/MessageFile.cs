using System.Text.Json;
using Lema.Cli.Errors;

namespace Lema.Cli.Conversations;

/// <summary>Messages, one a line: plain text, or a JSON object with a field message or question.</summary>
internal static class MessageFile
{
    /// <exception cref="CliException">There is no message, or a line that begins like JSON is none.</exception>
    public static IReadOnlyList<string> Parse(string text)
    {
        string[] messages = [.. text.TrimStart('\uFEFF').Split('\n').Select(l => l.TrimEnd('\r')).Select((line, index) => (line, index)).Where(l => l.line.Trim().Length > 0).Select(l => Message(l.line, l.index + 1))];
        return messages.Length > 0 ? messages : throw new CliException(ExitCode.InvalidInput, "There is no message in it.");
    }

    private static string Message(string line, int number)
    {
        if (!line.StartsWith('{')) return line;
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            foreach (string field in new[] { "message", "question" })
            {
                if (document.RootElement.TryGetProperty(field, out JsonElement value) && value.ValueKind == JsonValueKind.String) return value.GetString()!;
            }
        }
        catch (JsonException invalid)
        {
            throw new CliException(ExitCode.InvalidInput, $"line {number}: no JSON: {JsonProblem.Of(invalid)}");
        }
        throw new CliException(ExitCode.InvalidInput, $"line {number}: expected a field message or question.");
    }
}
