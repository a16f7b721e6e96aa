using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lema.Engine.Errors;
using Lema.Engine.Weights;

namespace Lema.Engine.Merging;

/// <summary>The files of a merged model beside its weights, as transformers expects them.</summary>
internal static class MergedFolder
{
    private const string ConfigName = "config.json", TokenizerConfigName = "tokenizer_config.json", TemplateName = "chat_template.jinja", TemplateKey = "chat_template";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n", Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string ShardName(int shard, int count) => count == 1
        ? "model.safetensors"
        : string.Create(CultureInfo.InvariantCulture, $"model-{shard + 1:D5}-of-{count:D5}.safetensors");

    /// <summary>Copies config, generation config and tokenizer of the base, and mends what the merge changed.</summary>
    public static void WriteFiles(string baseFolder, string target, MergePlan plan, MergeDtype dtype)
    {
        ModelFolderFiles.Copy(baseFolder, target, dtype == MergeDtype.Float32 ? "float32" : null);
        if (plan.Untied) Edit(Path.Combine(target, ConfigName), config => config["tie_word_embeddings"] = false);
        WriteTemplateBothWays(target);
        if (plan.Shards.Count > 1) WriteIndex(target, plan);
    }

    /// <summary>Older readers know only the template within tokenizer_config.json, newer ones prefer the file.</summary>
    private static void WriteTemplateBothWays(string target)
    {
        string config = Path.Combine(target, TokenizerConfigName), file = Path.Combine(target, TemplateName);
        if (!File.Exists(config)) return;
        Edit(config, json =>
        {
            if (File.Exists(file)) json[TemplateKey] = File.ReadAllText(file);
            else if (Default(json[TemplateKey]) is { } template) File.WriteAllText(file, template);
        });
    }

    /// <summary>The template itself, or the one named default among several.</summary>
    private static string? Default(JsonNode? templates) => templates switch
    {
        JsonValue value when value.TryGetValue(out string? text) => text,
        JsonArray several => several.OfType<JsonObject>().FirstOrDefault(item => (string?)item["name"] == "default")?["template"]?.GetValue<string>(),
        _ => null,
    };

    private static void WriteIndex(string target, MergePlan plan)
    {
        JsonObject map = [];
        for (int shard = 0; shard < plan.Shards.Count; shard++)
        {
            foreach (MergedTensor tensor in plan.Shards[shard].OrderBy(tensor => tensor.Name, StringComparer.Ordinal)) map[tensor.Name] = ShardName(shard, plan.Shards.Count);
        }
        JsonObject index = new() { ["metadata"] = new JsonObject { ["total_size"] = plan.TotalBytes }, ["weight_map"] = map };
        File.WriteAllText(Path.Combine(target, "model.safetensors.index.json"), index.ToJsonString(Indented) + "\n");
    }

    private static void Edit(string path, Action<JsonObject> change)
    {
        try
        {
            JsonObject json = JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? throw new InvalidInputException(path, "", "is no JSON object");
            string before = json.ToJsonString();
            change(json);
            if (json.ToJsonString() != before) File.WriteAllText(path, json.ToJsonString(Indented) + "\n");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidInputException(path, "", $"cannot be read: {e.Message}", e);
        }
    }
}
