using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Testing;

namespace Lema.Engine.Tests.Datasets.Tokenizers;

/// <summary>Components one by one against Hugging Face's own tokenizers library, on random texts of what is hard: spaces, cases, marks, digits, scripts.</summary>
public class TokenizerOracleTests
{
    private const int Texts = 300;

    private static readonly string[] Fragments =
    [
        " ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u0085", "\u200b", "\u200d", "a", "ab", "Hello", "The", " the", "don't", "I'LL", "ſ", "İ", "ß", "Σς", "é", "e\u0301", "\u094f",
        "ﬁ", "①", "½", "²", "Ⅷ", "123", "9", "٣", "漢字", "ひら", "カナ", "한국", "😀", "👨‍👩‍👧", "𝒽", "𠀀", "𝟙", "...", "!", "?!", "-", "—", "_", "$", "+", "'", "«", "。", "\ufeff", "\u0001", "▁", "Ġ", "<s>",
    ];

    public static TheoryData<string, string> Components => new()
    {
        { "normalizer", """{"type":"NFC"}""" },
        { "normalizer", """{"type":"NFD"}""" },
        { "normalizer", """{"type":"NFKC"}""" },
        { "normalizer", """{"type":"NFKD"}""" },
        { "normalizer", """{"type":"Lowercase"}""" },
        { "normalizer", """{"type":"StripAccents"}""" },
        { "normalizer", """{"type":"Strip","strip_left":true,"strip_right":false}""" },
        { "normalizer", """{"type":"Prepend","prepend":"_"}""" },
        { "normalizer", """{"type":"Replace","pattern":{"Regex":"\\s+"},"content":"_"}""" },
        { "normalizer", """{"type":"Replace","pattern":{"Regex":"a*"},"content":"-"}""" },
        { "normalizer", """{"type":"Replace","pattern":{"String":""},"content":"-"}""" },
        { "normalizer", """{"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"},{"type":"Lowercase"}]}""" },
        { "pre_tokenizer", """{"type":"Split","pattern":{"Regex":"\\w+"},"behavior":"Removed","invert":false}""" },
        { "pre_tokenizer", """{"type":"Split","pattern":{"Regex":"\\s+"},"behavior":"MergedWithPrevious","invert":false}""" },
        { "pre_tokenizer", """{"type":"Split","pattern":{"Regex":"\\.|!"},"behavior":"MergedWithNext","invert":false}""" },
        { "pre_tokenizer", """{"type":"Split","pattern":{"Regex":"\\.|!"},"behavior":"Contiguous","invert":true}""" },
        { "pre_tokenizer", """{"type":"Split","pattern":{"Regex":"l*"},"behavior":"Isolated","invert":false}""" },
        { "pre_tokenizer", """{"type":"Split","pattern":{"Regex":"(?<=[a-z])(?=[A-Z])|\\b\\w{1,2}\\b|[[:punct:]]|\\p{Han}|\\R"},"behavior":"Isolated","invert":false}""" },
        { "pre_tokenizer", """{"type":"Split","pattern":{"Regex":"[[:alpha:]]+|[[:^ascii:]]|\\p{Cyrillic}|\\h"},"behavior":"Removed","invert":false}""" },
        { "pre_tokenizer", """{"type":"Punctuation","behavior":"Contiguous"}""" },
        { "pre_tokenizer", """{"type":"Whitespace"}""" },
        { "pre_tokenizer", """{"type":"WhitespaceSplit"}""" },
        { "pre_tokenizer", """{"type":"BertPreTokenizer"}""" },
        { "pre_tokenizer", """{"type":"CharDelimiterSplit","delimiter":"-"}""" },
        { "pre_tokenizer", """{"type":"Digits","individual_digits":false}""" },
        { "pre_tokenizer", """{"type":"Metaspace","replacement":"_","prepend_scheme":"always","split":true}""" },
        { "pre_tokenizer", """{"type":"Metaspace","replacement":"_","prepend_scheme":"first","split":false}""" },
        { "pre_tokenizer", """{"type":"Sequence","pretokenizers":[{"type":"Punctuation"},{"type":"Metaspace","replacement":"_","prepend_scheme":"first","split":true}]}""" },
        { "post_processor", """{"type":"RobertaProcessing","sep":["a",1],"cls":["b",2],"trim_offsets":true,"add_prefix_space":true}""" },
        { "decoder", """{"type":"Metaspace","replacement":"_","prepend_scheme":"always","split":true}""" },
        { "decoder", """{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"_"},"content":" "},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}""" },
        { "added_tokens", """[{"id":99,"content":"The","single_word":true,"lstrip":true,"rstrip":false,"normalized":true,"special":false},{"id":5,"content":"é","single_word":false,"lstrip":false,"rstrip":true,"normalized":false,"special":true}]""" },
    };

    [Theory]
    [MemberData(nameof(Components))]
    public void EncodeAndDecode_AnyText_AreThoseOfTheReference(string part, string component)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.OSArchitecture == Architecture.X64, "the reference library is there for Linux on x64 only");
        using TemporaryFolder folder = new();
        JsonObject json = Plain();
        json[part] = JsonNode.Parse(component);
        DatasetFixture.Write(folder, "tokenizer.json", json.ToJsonString());
        Tokenizer ours = Tokenizer.Load(folder.Path);
        using global::Tokenizers.DotNet.Tokenizer reference = new(Path.Combine(folder.Path, "tokenizer.json"));
        Random random = new(1);
        for (int index = 0; index < Texts; index++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => Fragments[random.Next(Fragments.Length)]));
            int[] expected = [.. reference.Encode(text).Select(id => (int)id)];
            Assert.True(expected.SequenceEqual(ours.Encode(text, addSpecialTokens: true)), $"{JsonSerializer.Serialize(text)}: {string.Join(' ', ours.Encode(text, true))}, expected {string.Join(' ', expected)}");
            if (part == "decoder") Assert.Equal(reference.Decode([.. expected.Select(id => (uint)id)]), ours.Decode(expected, skipSpecialTokens: true));
        }
    }

    // A plain BPE over characters, with an unknown token and a few merges.
    private static JsonObject Plain()
    {
        JsonObject vocabulary = new() { ["[UNK]"] = 0 };
        foreach (Rune rune in "abcdefghijklmnopqrstuvwxyzHTW0123456789.,!?-' _éß漢ひ한😀𝒽".EnumerateRunes()) vocabulary[rune.ToString()] = vocabulary.Count;
        JsonArray merges = [];
        foreach ((string left, string right) in new[] { ("h", "e"), ("t", "he"), ("T", "he"), ("l", "l"), ("_", "the"), ("1", "2"), ("12", "3"), (".", "."), (" ", " "), ("a", "b") })
        {
            vocabulary.TryAdd(left + right, vocabulary.Count);
            merges.Add(new JsonArray(left, right));
        }
        return new JsonObject
        {
            ["version"] = "1.0", ["truncation"] = null, ["padding"] = null, ["added_tokens"] = new JsonArray(), ["normalizer"] = null, ["pre_tokenizer"] = null,
            ["post_processor"] = null, ["decoder"] = null,
            ["model"] = new JsonObject
            {
                ["type"] = "BPE", ["dropout"] = null, ["unk_token"] = "[UNK]", ["continuing_subword_prefix"] = null, ["end_of_word_suffix"] = null, ["fuse_unk"] = false,
                ["byte_fallback"] = false, ["vocab"] = vocabulary, ["merges"] = merges,
            },
        };
    }
}
