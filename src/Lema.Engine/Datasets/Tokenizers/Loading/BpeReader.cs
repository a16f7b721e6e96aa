using System.Text.Json;
using Lema.Engine.Datasets.Tokenizers.Bpe;

namespace Lema.Engine.Datasets.Tokenizers.Loading;

/// <summary>Builds the model that a tokenizer.json describes: vocabulary, merges and options of a byte-pair encoding.</summary>
internal static class BpeReader
{
    public static (BpeModel Model, Dictionary<string, int> Vocabulary) Read(JsonPart part, bool byteLevel)
    {
        // Files from before the field was written have a BPE.
        if (!part["type"].IsNull && part["type"].Text() != "BPE") throw part.Unsupported("the model");
        if (part["dropout"] is { IsNull: false } dropout && dropout.Value.GetDouble() != 0)
        {
            throw dropout.Invalid("must be null or 0: with dropout the same text has other tokens each time.");
        }
        BpeOptions options = new()
        {
            ByteLevel = byteLevel,
            ByteFallback = part["byte_fallback"].Flag(false),
            IgnoreMerges = part["ignore_merges"].Flag(false),
            UnknownToken = part["unk_token"].IsNull ? null : part["unk_token"].Text(),
            FuseUnknown = part["fuse_unk"].Flag(false),
            ContinuingPrefix = part["continuing_subword_prefix"].Text(""),
            EndOfWordSuffix = part["end_of_word_suffix"].Text(""),
        };
        Dictionary<string, int> vocabulary = Vocabulary(part["vocab"]);
        MergeTable merges = Merges(part["merges"], vocabulary, options.ContinuingPrefix.Length);
        return (new BpeModel(vocabulary, merges, options), vocabulary);
    }

    private static Dictionary<string, int> Vocabulary(JsonPart part)
    {
        Dictionary<string, int> vocabulary = new(StringComparer.Ordinal);
        foreach ((string token, JsonPart id) in part.Fields()) vocabulary[token] = id.Number();
        return vocabulary.Count > 0 ? vocabulary : throw part.Invalid("is empty.");
    }

    private static MergeTable Merges(JsonPart part, Dictionary<string, int> vocabulary, int prefixLength)
    {
        MergeTable merges = new(part.Value.ValueKind == JsonValueKind.Array ? part.Value.GetArrayLength() : 0);
        foreach (JsonPart item in part.Items())
        {
            (string left, string right) = Pair(item);
            merges.Add(Id(left), Id(right), Id(left + right[Math.Min(prefixLength, right.Length)..]));

            int Id(string token) => vocabulary.TryGetValue(token, out int id) ? id : throw item.Invalid($"'{token}' is not in the vocabulary.");
        }
        return merges;
    }

    // "a b" in files up to tokenizers 0.19, ["a", "b"] since.
    private static (string Left, string Right) Pair(JsonPart item)
    {
        string[] pair = item.Value.ValueKind == JsonValueKind.String
            ? item.Text().Split(' ')
            : [.. item.Items().Select(token => token.Text())];
        return pair.Length == 2 ? (pair[0], pair[1]) : throw item.Invalid("must be a pair of tokens.");
    }
}
