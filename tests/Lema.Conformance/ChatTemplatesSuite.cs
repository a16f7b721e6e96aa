using System.Text.Json;
using Lema.Engine.Datasets.Templates;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;

namespace Lema.Conformance;

/// <summary>Chat templates: every line of vectors.jsonl (text, generation spans, masks, errors) and, if it is there, of jinja-features.jsonl.</summary>
public sealed class ChatTemplatesSuite : ISuite
{
    private static readonly TimeSpan LongestLimitCase = TimeSpan.FromSeconds(20);

    public string Name => "chat-templates";

    public IEnumerable<CaseResult> Run(string folder)
    {
        string vectors = Path.Combine(folder, "vectors.jsonl"), features = Path.Combine(folder, "jinja-features.jsonl");
        Tokenizer? tokenizer = TokenizerBeside(folder);
        if (File.Exists(vectors))
        {
            foreach (IGrouping<string, JsonElement> group in Lines(vectors).GroupBy(vector => vector.GetProperty("template").GetString()!))
            {
                yield return Summarize(group.Key, group, vector => CheckVector(folder, vector, tokenizer));
            }
        }
        if (!File.Exists(features)) yield break;
        foreach (JsonElement feature in Lines(features))
        {
            string name = $"{feature.GetProperty("kind").GetString()}/{feature.GetProperty("name").GetString()}";
            yield return Summarize(name, [feature], CheckFeature);
        }
    }

    private static IEnumerable<JsonElement> Lines(string file) => File.ReadLines(file).Where(line => line.Length > 0).Select(line => JsonDocument.Parse(line).RootElement);

    private static Tokenizer? TokenizerBeside(string folder)
    {
        string path = Path.Combine(folder, "..", "tokenizers", "smollm2");
        return File.Exists(Path.Combine(path, "tokenizer.json")) ? Tokenizer.Load(path) : null;
    }

    private static CaseResult Summarize(string name, IEnumerable<JsonElement> lines, Func<JsonElement, string?> check)
    {
        string[] problems = [.. lines.Select(check).Select(problem => problem ?? "")];
        string? first = problems.FirstOrDefault(problem => problem.Length > 0);
        return first is null
            ? new CaseResult(name, true, $"{problems.Length} vectors")
            : new CaseResult(name, false, $"{problems.Count(problem => problem.Length > 0)} of {problems.Length} vectors differ; first: {first}");
    }

    private static string? CheckVector(string folder, JsonElement vector, Tokenizer? tokenizer)
    {
        string name = vector.GetProperty("case").GetString()!, file = vector.GetProperty("template").GetString()! + ".jinja";
        (RenderedChat? rendered, string? error) = Attempt(File.ReadAllText(Path.Combine(folder, file)), new ChatRequest
        {
            Messages = vector.GetProperty("messages"),
            Tools = vector.TryGetProperty("tools", out JsonElement tools) ? tools : null,
            AddGenerationPrompt = vector.GetProperty("add_generation_prompt").GetBoolean(),
            BosToken = vector.GetProperty("bos_token").GetString(),
            EosToken = vector.GetProperty("eos_token").GetString(),
            Extra = vector.TryGetProperty("extra", out JsonElement extra) ? extra : null,
        });
        string? problem = Compare(vector, rendered, error);
        if (problem is null && rendered is not null && vector.TryGetProperty("generation_spans_utf16", out JsonElement spans)) problem = CompareMask(vector, rendered, spans, tokenizer);
        return problem is null ? null : $"{name}: {problem}";
    }

    private static string? CompareMask(JsonElement vector, RenderedChat rendered, JsonElement spans, Tokenizer? tokenizer)
    {
        string expected = spans.GetRawText(), got = JsonSerializer.Serialize(rendered.Generations.Select(span => new[] { span.Start, span.End }));
        if (expected.Replace(" ", "", StringComparison.Ordinal) != got) return $"spans are {got}, expected {expected}";
        if (tokenizer is null || !vector.TryGetProperty("smollm2_assistant_mask", out JsonElement mask)) return null;
        // transformers adds named tokens that the vocabulary lacks.
        Tokenizer named = tokenizer.WithSpecialTokens(new[] { "bos_token", "eos_token" }.Select(token => vector.GetProperty(token).GetString()).OfType<string>());
        IReadOnlyList<TokenSpan> tokens = named.EncodeSpans(rendered.Text, addSpecialTokens: false);
        if (!tokens.Select(token => token.Id).SequenceEqual(vector.GetProperty("smollm2_ids").EnumerateArray().Select(id => id.GetInt32()))) return "ids differ";
        IEnumerable<int> masked = tokens.Select(token => rendered.Covers(token.Start, token.End) ? 1 : 0);
        return masked.SequenceEqual(mask.EnumerateArray().Select(bit => bit.GetInt32())) ? null : "the assistant mask differs";
    }

    private static string? CheckFeature(JsonElement feature)
    {
        JsonElement context = feature.GetProperty("context");
        long started = TimeProvider.System.GetTimestamp();
        (RenderedChat? rendered, string? error) = Attempt(feature.GetProperty("template").GetString()!, new ChatRequest
        {
            Messages = context.TryGetProperty("messages", out JsonElement messages) ? messages : JsonSerializer.SerializeToElement(Array.Empty<int>()),
            Extra = context,
        });
        bool lenient = feature.TryGetProperty("lenient", out JsonElement flag) && flag.GetBoolean();
        return feature.GetProperty("kind").GetString() switch
        {
            "limit" => TimeProvider.System.GetElapsedTime(started) > LongestLimitCase ? "takes too long" : null,
            "hostile" when error is not null => null,
            "hostile" when feature.TryGetProperty("expected", out JsonElement expected) && expected.GetString() == rendered!.Text => null,
            _ when lenient => null,
            _ => Compare(feature, rendered, error),
        };
    }

    private static string? Compare(JsonElement vector, RenderedChat? rendered, string? error)
    {
        if (vector.TryGetProperty("expected", out JsonElement expected))
        {
            if (rendered is null) return $"failed with '{error}', expected {JsonSerializer.Serialize(expected.GetString())}";
            return rendered.Text == expected.GetString() ? null : $"is {JsonSerializer.Serialize(rendered.Text)}, expected {JsonSerializer.Serialize(expected.GetString())}";
        }
        if (error is null) return $"is {JsonSerializer.Serialize(rendered!.Text)}, expected the error '{vector.GetProperty("error").GetString()}'";
        bool own = vector.GetProperty("error_type").GetString() == "raise_exception";
        return !own || error == vector.GetProperty("error").GetString() ? null : $"failed with '{error}', expected '{vector.GetProperty("error").GetString()}'";
    }

    private static (RenderedChat? Rendered, string? Error) Attempt(string template, ChatRequest request)
    {
        try
        {
            return (ChatTemplate.Parse(template, "template", new FixedClock()).Render(request), null);
        }
        catch (InvalidInputException problem)
        {
            return (null, problem.Problem);
        }
    }

    /// <summary>The moment at which the reference was made.</summary>
    private sealed class FixedClock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2024, 7, 26, 12, 34, 56, TimeSpan.Zero);
    }
}
