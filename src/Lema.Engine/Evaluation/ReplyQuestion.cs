using System.Text;
using System.Text.Json;
using Lema.Engine.Errors;

namespace Lema.Engine.Evaluation;

/// <summary>A question and the text that has to stand in its answer as whole words.</summary>
public sealed record ReplyQuestion(string Question, string Expected)
{
    private const int MostProblems = 20;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>Reads JSON Lines of <c>{"question", "expected"}</c>; further fields are ignored, so that a held-out dataset file serves as it is.</summary>
    /// <exception cref="NotFoundException">No such file.</exception>
    /// <exception cref="InvalidInputsException">Every line that is not valid, up to a limit.</exception>
    /// <exception cref="InvalidInputException">The file holds no question.</exception>
    public static IReadOnlyList<ReplyQuestion> Load(string path)
    {
        if (!File.Exists(path)) throw new NotFoundException("questions file", path, "Give a .jsonl file whose lines are {\"question\": ..., \"expected\": ...}.");
        List<ReplyQuestion> questions = [];
        List<InvalidInputException> problems = [];
        int line = 0;
        foreach (ReadOnlyMemory<byte> row in Lines(File.ReadAllBytes(path)))
        {
            line++;
            if (row.Span.Trim("\r \t"u8).IsEmpty) continue;
            (ReplyQuestion? question, string? problem) = Read(row);
            if (question is not null) questions.Add(question);
            else problems.Add(new InvalidInputException(path, $"line {line}", problem!));
            if (problems.Count == MostProblems) break;
        }
        if (problems.Count > 0) throw new InvalidInputsException(problems);
        return questions.Count > 0 ? questions : throw new InvalidInputException(path, "", "holds no question");
    }

    private static (ReplyQuestion?, string?) Read(ReadOnlyMemory<byte> row)
    {
        try
        {
            _ = StrictUtf8.GetCharCount(row.Span);
            using JsonDocument document = JsonDocument.Parse(row);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return (null, "is no JSON object");
            (string? question, string? expected) = (Text(document.RootElement, "question"), Text(document.RootElement, "expected"));
            if (string.IsNullOrWhiteSpace(question)) return (null, "field question is missing or no text");
            return string.IsNullOrWhiteSpace(expected) ? (null, "field expected is missing or no text") : (new ReplyQuestion(question, expected), null);
        }
        catch (DecoderFallbackException)
        {
            return (null, "is not UTF-8");
        }
        catch (JsonException e)
        {
            return (null, $"is not JSON: {e.Message}");
        }
    }

    private static string? Text(JsonElement row, string field) => row.TryGetProperty(field, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static IEnumerable<ReadOnlyMemory<byte>> Lines(ReadOnlyMemory<byte> content)
    {
        if (content.Span.StartsWith("\uFEFF"u8)) content = content["\uFEFF"u8.Length..];
        while (!content.IsEmpty)
        {
            int end = content.Span.IndexOf((byte)'\n');
            yield return end < 0 ? content : content[..end];
            content = end < 0 ? default : content[(end + 1)..];
        }
    }
}
