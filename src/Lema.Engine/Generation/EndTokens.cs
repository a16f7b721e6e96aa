using System.Text.Json;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;
using Lema.Engine.Storage;

namespace Lema.Engine.Generation;

/// <summary>The tokens that end a reply: <c>eos_token_id</c> of generation_config.json, else of config.json, and the tokenizer's end token.</summary>
public static class EndTokens
{
    /// <exception cref="InvalidInputException">A file is not JSON, or its eos_token_id is neither a number nor a list of numbers.</exception>
    public static IReadOnlySet<int> Read(string modelFolder, Tokenizer tokenizer)
    {
        HashSet<int> ids = [.. Read(Path.Combine(modelFolder, "generation_config.json")) ?? Read(Path.Combine(modelFolder, "config.json")) ?? []];
        if (tokenizer.EosTokenId is { } end) ids.Add(end);
        return ids;
    }

    private static int[]? Read(string path)
    {
        if (!File.Exists(path)) return null;
        try
        {
            using JsonDocument document = JsonText.Parse(File.ReadAllBytes(path), default);
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("eos_token_id", out JsonElement value) || value.ValueKind == JsonValueKind.Null) return null;
            return value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(item => item.GetInt32())] : [value.GetInt32()];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidInputException(path, "eos_token_id", "must be a number, a list of numbers or null", e);
        }
    }
}
