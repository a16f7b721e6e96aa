using System.Text.Json;

namespace Lema.Engine.Datasets.Tokenizers.Loading;

/// <summary>The tokens that tokenizer_config.json and special_tokens_map.json name: the former wins, as in transformers.</summary>
internal sealed class NamedTokens
{
    private readonly JsonPart[] _files;

    public NamedTokens(string modelFolder) => _files =
        [.. new[] { "tokenizer_config.json", "special_tokens_map.json" }.Select(name => Path.Combine(modelFolder, name)).Where(File.Exists).Select(JsonPart.Read)];

    /// <summary>The text of the token, for example of <c>eos_token</c>; null where no file names one.</summary>
    public string? this[string name] => _files.Select(file => TextOf(file[name])).FirstOrDefault(text => text is not null);

    /// <summary>A switch of tokenizer_config.json.</summary>
    public bool Flag(string name, bool otherwise) => _files.Length == 0 ? otherwise : _files[0][name].Flag(otherwise);

    private static string? TextOf(JsonPart part) =>
        part.IsNull ? null : part.Value.ValueKind == JsonValueKind.Object ? part["content"].Text() : part.Text();

    /// <summary>The chat template within tokenizer_config.json (the one named <c>default</c> where there are several) and its file; null where there is none.</summary>
    public static (string Template, string Source)? ChatTemplateOf(string modelFolder)
    {
        string file = Path.Combine(modelFolder, "tokenizer_config.json");
        if (!File.Exists(file)) return null;
        JsonPart part = JsonPart.Read(file)["chat_template"];
        if (part.IsNull) return null;
        if (part.Value.ValueKind == JsonValueKind.String) return (part.Text(), $"{file}: chat_template");
        JsonPart named = part.Items().FirstOrDefault(item => item["name"].Text() == "default");
        return named.File is null ? throw part.Invalid("has no template named default.") : (named["template"].Text(), $"{file}: chat_template");
    }
}
