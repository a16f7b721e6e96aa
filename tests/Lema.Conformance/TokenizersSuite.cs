using System.Globalization;
using System.Text.Json;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;

namespace Lema.Conformance;

/// <summary>Tokenizer folders: every line of vectors.jsonl and decode.jsonl, in ids, decoded text and streamed increments.</summary>
public sealed class TokenizersSuite : ISuite
{
    public string Name => "tokenizers";

    public IEnumerable<CaseResult> Run(string folder)
    {
        IEnumerable<string> folders = Directory.EnumerateDirectories(folder).Append(folder)
            .Where(path => File.Exists(Path.Combine(path, "tokenizer.json")) || File.Exists(Path.Combine(path, "tokenizer.model")))
            .Where(path => File.Exists(Path.Combine(path, "vectors.jsonl")) || File.Exists(Path.Combine(path, "decode.jsonl")))
            .Order(StringComparer.Ordinal);
        return folders.Select(RunFolder);
    }

    private static CaseResult RunFolder(string folder)
    {
        string name = Path.GetFileName(folder);
        try
        {
            Tokenizer tokenizer = Tokenizer.Load(folder);
            List<string> problems = [];
            int strings = 0;
            foreach (string file in new[] { "vectors.jsonl", "decode.jsonl" })
            {
                string path = Path.Combine(folder, file);
                if (!File.Exists(path)) continue;
                foreach (string line in File.ReadLines(path))
                {
                    strings++;
                    if (Check(tokenizer, JsonDocument.Parse(line).RootElement) is { } problem) problems.Add($"{file}:{strings}: {problem}");
                }
            }
            return problems.Count == 0
                ? new CaseResult(name, strings > 0, $"{strings} strings")
                : new CaseResult(name, false, $"{problems.Count} of {strings} strings differ; first: {problems[0]}");
        }
        catch (LemaException problem)
        {
            return new CaseResult(name, false, problem.Message);
        }
    }

    private static string? Check(Tokenizer tokenizer, JsonElement vector)
    {
        int[] ids = Ids(vector, "ids");
        if (vector.TryGetProperty("text", out JsonElement given))
        {
            string text = given.GetString()!;
            if (Differs("ids", ids, tokenizer.Encode(text, addSpecialTokens: false)) is { } problem) return problem;
            if (Differs("ids of spans", ids, [.. tokenizer.EncodeSpans(text, addSpecialTokens: false).Select(span => span.Id)]) is { } spans) return spans;
            if (Differs("ids_special", Ids(vector, "ids_special"), tokenizer.Encode(text, addSpecialTokens: true)) is { } special) return special;
        }
        if (Differs(vector, "decoded", tokenizer.Decode(ids, skipSpecialTokens: false)) is { } decoded) return decoded;
        if (Differs(vector, "decoded_skip", tokenizer.Decode(ids, skipSpecialTokens: true)) is { } skipped) return skipped;
        return vector.GetProperty("stream").ValueKind == JsonValueKind.Null ? null : CheckStream(tokenizer, ids, vector.GetProperty("stream"));
    }

    private static string? CheckStream(Tokenizer tokenizer, int[] ids, JsonElement expected)
    {
        TokenStream stream = tokenizer.Stream(skipSpecialTokens: true);
        List<string> increments = [.. ids.Select(stream.Append)];
        string rest = stream.Flush();
        if (increments.Count > 0) increments[^1] += rest;
        string wanted = JsonSerializer.Serialize(expected.EnumerateArray().Select(part => part.GetString())), got = JsonSerializer.Serialize(increments);
        return wanted == got ? null : $"stream is {got}, expected {wanted}";
    }

    private static int[] Ids(JsonElement vector, string name) => [.. vector.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];

    private static string? Differs(string what, int[] expected, int[] got) =>
        expected.AsSpan().SequenceEqual(got) ? null : $"{what} are [{Join(got)}], expected [{Join(expected)}]";

    private static string? Differs(JsonElement vector, string name, string got)
    {
        string expected = vector.GetProperty(name).GetString()!;
        return expected == got ? null : $"{name} is {JsonSerializer.Serialize(got)}, expected {JsonSerializer.Serialize(expected)}";
    }

    private static string Join(int[] ids) => string.Join(',', ids.Select(id => id.ToString(CultureInfo.InvariantCulture)));
}
