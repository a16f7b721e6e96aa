using System.Diagnostics;
using System.Text.Json.Nodes;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;
using Lema.Testing;

namespace Lema.Engine.Tests.Datasets.Tokenizers;

public class TokenizerTests
{
    private static string Json(Action<JsonObject> change)
    {
        JsonObject root = JsonNode.Parse(File.ReadAllText(Path.Combine(TinyModel.Folder, "tokenizer.json")))!.AsObject();
        change(root);
        return root.ToJsonString();
    }

    private static Tokenizer Load(TemporaryFolder folder, Action<JsonObject> change)
    {
        DatasetFixture.Write(folder, "tokenizer.json", Json(change));
        return Tokenizer.Load(folder.Path);
    }

    [Fact]
    public void Load_EmbeddedModel_KnowsItsNamedTokens()
    {
        Assert.Equal(3072, DatasetFixture.Tokenizer.VocabularySize);
        Assert.Equal(0, DatasetFixture.Tokenizer.EosTokenId);
        Assert.True(DatasetFixture.Tokenizer.IsSpecial(0));
    }

    [Fact]
    public void Encode_PromptAndCompletionApartOrTogether_AreTheSame()
    {
        const string prompt = "<|user|>\nWhat is it?\n\n<|assistant|>\n", reply = "[LEMA_REPLY]\nAnswer: yes";
        Tokenizer tiny = DatasetFixture.Tokenizer;
        int[] apart = [.. tiny.Encode(prompt, false), .. tiny.Encode(reply, false)];
        Assert.Equal(tiny.Encode(prompt + reply, false), apart);
    }

    [Fact]
    public void Encode_SpecialTokenInText_IsOneId() => Assert.Equal([1, 2], DatasetFixture.Tokenizer.Encode("<|im_start|><|im_end|>", false));

    [Theory]
    [InlineData('a')]
    [InlineData(' ')]
    [InlineData('-')]
    [InlineData('한')]
    public void Encode_OneLetterAMillionTimes_IsLinear(char letter)
    {
        string text = new(letter, 1_000_000);
        Stopwatch clock = Stopwatch.StartNew();
        int[] ids = DatasetFixture.Tokenizer.Encode(text, false);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), $"took {clock.Elapsed}");
        Assert.Equal(text, DatasetFixture.Tokenizer.Decode(ids, false));
    }

    [Theory]
    [InlineData("normalizer", """{"type":"Nmt"}""", "Nmt")]
    [InlineData("pre_tokenizer", """{"type":"UnicodeScripts"}""", "UnicodeScripts")]
    [InlineData("post_processor", """{"type":"Strange"}""", "Strange")]
    [InlineData("decoder", """{"type":"CTC"}""", "CTC")]
    [InlineData("model", """{"type":"Unigram","vocab":[]}""", "Unigram")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"(a"},"behavior":"Isolated","invert":false}""", "group")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"\\p{Klingon}"},"behavior":"Isolated","invert":false}""", "Klingon")]
    public void Load_UnsupportedComponent_NamesIt(string key, string component, string name)
    {
        using TemporaryFolder folder = new();
        InvalidInputException problem = Assert.Throws<InvalidInputException>(() => Load(folder, root => root[key] = JsonNode.Parse(component)));
        Assert.Contains(name, problem.Message, StringComparison.Ordinal);
        Assert.StartsWith(key, problem.Place, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_MergeOfUnknownToken_IsRefused()
    {
        using TemporaryFolder folder = new();
        InvalidInputException problem = Assert.Throws<InvalidInputException>(() => Load(folder, root => root["model"]!["merges"]!.AsArray().Insert(0, "zzzz qqqq")));
        Assert.Equal("model.merges[0]", problem.Place);
    }

    [Fact]
    public void Load_HugeId_IsRefusedWithoutAllocatingForIt()
    {
        using TemporaryFolder folder = new();
        Assert.Throws<InvalidInputException>(() => Load(folder, root => root["model"]!["vocab"]!["zzzz"] = 2_000_000_000));
    }

    [Fact]
    public void Load_NoTokenizer_SaysWhatToDo()
    {
        using TemporaryFolder folder = new();
        Assert.Contains("tokenizer.json", Assert.Throws<NotFoundException>(() => Tokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(?i:'s|'t)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", "It'S 12345 ok", "It|'S| |123|45| ok")]
    [InlineData("[A-Z]++(?=b)|a{2}", "ABbaaaAb", "AB|b|aa|a|A|b")]
    [InlineData("(?<=a)b", "abb", "a|b|b")]
    [InlineData("[\\p{L}&&[^a-c]]+", "abxyc", "ab|xy|c")]
    [InlineData("(ab)*c|x", "ababcx", "ababc|x")]
    [InlineData("(a*)*b", "aab", "aab")]
    [InlineData("𝒽+", "a𝒽𝒽b", "a|𝒽𝒽|b")]
    public void Encode_SplitPattern_CutsWords(string pattern, string text, string words)
    {
        using TemporaryFolder folder = new();
        Tokenizer tokenizer = Load(folder, root => root["pre_tokenizer"] = new JsonObject
        {
            ["type"] = "Sequence",
            ["pretokenizers"] = new JsonArray(
                new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = pattern }, ["behavior"] = "Isolated", ["invert"] = false },
                new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = false }),
        });
        int[] expected = [.. words.Split('|').SelectMany(word => Load(folder, root => root["pre_tokenizer"] = JsonNode.Parse("""{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}""")).Encode(word, false))];
        Assert.Equal(expected, tokenizer.Encode(text, false));
    }

    [Theory]
    [InlineData("NFC", "e\u0301 \u1100\u1161\u11A8 \u212B", "\u00E9 \uAC01 \u00C5")]
    [InlineData("NFD", "\u00E9\uAC01", "e\u0301\u1100\u1161\u11A8")]
    [InlineData("NFKC", "\uFB01\u2460\u00BD", "fi11\u20442")]
    [InlineData("NFKD", "\u1E9B\u0323", "s\u0323\u0307")]
    [InlineData("NFC", "a\u0315\u0300\u05AE\u0300b", "\u00E0\u05AE\u0300\u0315b")]
    [InlineData("Lowercase", "ÀΣ", "àσ")]
    public void Normalized_UnicodeForm_IsThatForm(string type, string text, string expected)
    {
        using TemporaryFolder folder = new();
        Tokenizer tokenizer = Load(folder, root => root["normalizer"] = new JsonObject { ["type"] = type });
        Assert.Equal(expected, tokenizer.Normalized(text));
    }

    [Fact]
    public void EncodeSpans_AfterNormalization_PointIntoTheOriginal()
    {
        using TemporaryFolder folder = new();
        Tokenizer tokenizer = Load(folder, root => root["normalizer"] = new JsonObject { ["type"] = "NFC" });
        TokenSpan last = tokenizer.EncodeSpans("e\u0301e\u0301 end", false)[^1];
        Assert.Equal(8, last.End);
    }

    [Fact]
    public void Encode_SentencePieceModel_AgreesWithItsTokenizerJson()
    {
        string? json = ReferenceData.TryPath("tokenizers", "llama2-style");
        if (json is null) Assert.Skip(ReferenceData.SkipMessage);
        using TemporaryFolder folder = new();
        File.Copy(Path.Combine(json, "tokenizer.model"), Path.Combine(folder.Path, "tokenizer.model"));
        Tokenizer expected = Tokenizer.Load(json), pieces = Tokenizer.Load(folder.Path);
        Assert.Equal(expected.EosTokenId, pieces.EosTokenId);
        foreach (string text in new[] { "Hello, world!", "Ünïcödé 東京 😀", "a\n\n  b\tc", "</s> x", "aaaaaaaa    ----", "" })
        {
            Assert.Equal(expected.Encode(text, true), pieces.Encode(text, true));
            Assert.Equal(expected.Decode(expected.Encode(text, true), true), pieces.Decode(pieces.Encode(text, true), true));
        }
    }
}
