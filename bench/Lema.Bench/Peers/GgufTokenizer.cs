using System.Text.Json;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Datasets.Tokenizers.Loading;

namespace Lema.Bench.Peers;

/// <summary>
/// The tokenizer that llama.cpp wants to find in a model. A byte-level BPE whose way of cutting words llama.cpp has a name for is written in full; any other
/// model gets none, since the benchmark exchanges tokens and never text.
/// </summary>
internal static class GgufTokenizer
{
    private const int Normal = 1, Control = 3, UserDefined = 4, Unused = 5;

    /// <param name="vocabularySize">Rows of the model's embedding; ids without a token are padded up to it.</param>
    public static void Add(GgufMetadata metadata, string folder, int vocabularySize)
    {
        string file = Path.Combine(folder, "tokenizer.json");
        JsonPart tokenizer = File.Exists(file) ? JsonPart.Read(file) : default;
        if (tokenizer.IsNull || tokenizer["model"]["type"].Text("") != "BPE" || NameOf(tokenizer["pre_tokenizer"]) is not { } preTokenizer)
        {
            metadata.Add("tokenizer.ggml.model", "none");
            return;
        }
        NamedTokens named = new(folder);
        string configFile = Path.Combine(folder, "tokenizer_config.json");
        JsonPart prefix = File.Exists(configFile) ? JsonPart.Read(configFile)["add_prefix_space"] : default;
        if (!prefix.IsNull) metadata.Add("tokenizer.ggml.add_space_prefix", prefix.Flag(false));
        metadata.Add("tokenizer.ggml.model", "gpt2");
        metadata.Add("tokenizer.ggml.pre", preTokenizer);

        Dictionary<int, string> texts = tokenizer["model"]["vocab"].Fields().ToDictionary(field => field.Value.Number(), field => field.Name);
        Dictionary<int, int> types = [];
        foreach (JsonPart added in tokenizer["added_tokens"].Items())
        {
            int id = added["id"].Number();
            string text = texts[id] = added["content"].Text();
            bool control = added["special"].Flag(false) || (text.StartsWith("<|", StringComparison.Ordinal) && text.EndsWith("|>", StringComparison.Ordinal));
            types[id] = control ? Control : UserDefined;
        }
        string[] tokens = [.. Enumerable.Range(0, vocabularySize).Select(id => texts.GetValueOrDefault(id) ?? $"[PAD{id}]")];
        metadata.Add("tokenizer.ggml.tokens", tokens);
        metadata.Add("tokenizer.ggml.token_type", [.. Enumerable.Range(0, vocabularySize).Select(id => types.GetValueOrDefault(id, texts.ContainsKey(id) ? Normal : Unused))]);
        metadata.Add("tokenizer.ggml.merges", [.. tokenizer["model"]["merges"].Items().Select(Merge)]);
        foreach ((string key, string name) in (ReadOnlySpan<(string, string)>)[("bos", "bos_token"), ("eos", "eos_token"), ("unknown", "unk_token"), ("padding", "pad_token")])
        {
            if (Array.IndexOf(tokens, named[name]) is var id and >= 0) metadata.Add($"tokenizer.ggml.{key}_token_id", (uint)id);
        }
        if (NamedTokens.ChatTemplateOf(folder) is { } template) metadata.Add("tokenizer.chat_template", template.Template);
    }

    /// <summary>llama.cpp's name for GPT-2's way of cutting text into words, and for SmolLM's, which takes digits one by one first; null for others.</summary>
    private static string? NameOf(JsonPart preTokenizer)
    {
        if (IsGpt2(preTokenizer)) return "gpt-2";
        if (preTokenizer.IsNull || preTokenizer["type"].Text("") != "Sequence") return null;
        return preTokenizer["pretokenizers"].Items().ToArray() is [var digits, var bytes] && digits["type"].Text("") == "Digits" && digits["individual_digits"].Flag(false) && IsGpt2(bytes)
            ? "smollm" : null;
    }

    private static bool IsGpt2(JsonPart part) => !part.IsNull && part["type"].Text("") == "ByteLevel" && part["use_regex"].Flag(true);

    /// <summary>Either "left right", or a pair whose parts may hold spaces.</summary>
    private static string Merge(JsonPart merge) => merge.Value.ValueKind == JsonValueKind.String ? merge.Text() : string.Join(' ', merge.Items().Select(part => part.Text().Replace(' ', 'Ġ')));
}
