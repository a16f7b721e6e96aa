using System.Text.Json;

namespace Lema.Server.Models;

/// <summary>What lies beside the weights.</summary>
internal static class ModelFiles
{
    /// <summary>A file of its own, or a field of tokenizer_config.json.</summary>
    public static bool HasChatTemplate(string folder)
    {
        if (File.Exists(Path.Combine(folder, "chat_template.jinja"))) return true;
        string config = Path.Combine(folder, "tokenizer_config.json");
        if (!File.Exists(config)) return false;
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(config));
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("chat_template", out _);
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
