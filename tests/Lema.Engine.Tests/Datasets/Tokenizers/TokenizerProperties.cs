using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Testing;

namespace Lema.Engine.Tests.Datasets.Tokenizers;

public class TokenizerProperties
{
    private static readonly Tokenizer Tiny = DatasetFixture.Tokenizer;
    private static readonly Tokenizer TinyNfkc = WithNormalizer(Tiny.Folder, new JsonObject { ["type"] = "NFKC" });

    private static Tokenizer WithNormalizer(string folder, JsonObject normalizer)
    {
        using TemporaryFolder copy = new();
        JsonNode file = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "tokenizer.json")))!;
        file["normalizer"] = normalizer;
        File.WriteAllText(copy.File("tokenizer.json"), file.ToJsonString());
        return Tokenizer.Load(copy.Path);
    }

    [Property(MaxTest = 500, Arbitrary = [typeof(AnyText)])]
    public bool Decode_OfEncode_IsTheText(string text) => Tiny.Decode(Tiny.Encode(text, false), false) == text;

    [Property(MaxTest = 500, Arbitrary = [typeof(AnyText)])]
    public bool Decode_OfEncodeWithANormalizer_IsTheNormalizedText(string text) =>
        TinyNfkc.Decode(TinyNfkc.Encode(text, false), false) == TinyNfkc.Normalized(text);

    /// <summary>The published tokenizers whose vocabulary has all 256 bytes (SmolLM2's lacks some): GPT-2's, and those with NFC and other splits.</summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("qwen3")]
    [InlineData("llama3-style")]
    public void Decode_OfEncode_OfAPublishedTokenizer_IsTheNormalizedText(string name)
    {
        Tokenizer tokenizer = Published(name);
        Prop.ForAll(AnyText.Strings(), text => text.Contains("<|", StringComparison.Ordinal) || tokenizer.Decode(tokenizer.Encode(text, false), false) == tokenizer.Normalized(text)).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("qwen3")]
    [InlineData("llama2-style")]
    [InlineData("gemma-style")]
    [InlineData("mistral-v3")]
    [InlineData("added-token-flags")]
    public void Stream_OfEncode_OfAPublishedTokenizer_JoinsToTheWholeDecode(string name)
    {
        Tokenizer tokenizer = Published(name);
        Prop.ForAll(AnyText.Strings(), text =>
        {
            int[] ids = [.. tokenizer.Encode(text, false)];
            TokenStream stream = tokenizer.Stream(skipSpecialTokens: false);
            return string.Concat(ids.Select(stream.Append)) + stream.Flush() == tokenizer.Decode(ids, false);
        }).QuickCheckThrowOnFailure();
    }

    private static Tokenizer Published(string name)
    {
        string? folder = ReferenceData.TryPath("tokenizers", name);
        Assert.SkipWhen(folder is null, ReferenceData.SkipMessage);
        return Tokenizer.Load(folder);
    }

    [Property(MaxTest = 500, Arbitrary = [typeof(AnyText)])]
    public bool Stream_OfEncode_JoinsToTheText(string text)
    {
        TokenStream stream = Tiny.Stream(skipSpecialTokens: false);
        string joined = string.Concat(Tiny.Encode(text, false).Select(stream.Append)) + stream.Flush();
        return joined == text;
    }

    [Property(MaxTest = 500, Arbitrary = [typeof(AnyText)])]
    public bool EncodeSpans_HasTheIdsOfEncodeAndCoversTheText(string text)
    {
        IReadOnlyList<TokenSpan> spans = Tiny.EncodeSpans(text, false);
        bool touching = spans.Zip(spans.Skip(1)).All(pair => pair.Second.Start <= pair.First.End && pair.Second.Start >= pair.First.Start);
        return touching && spans.Select(span => span.Id).SequenceEqual(Tiny.Encode(text, false))
            && (spans.Count == 0 ? text.Length == 0 : spans[0].Start == 0 && spans[^1].End == text.Length);
    }

    [Property(MaxTest = 200, Arbitrary = [typeof(AnyText)])]
    public bool Encode_TwiceOrFromManyThreads_IsTheSame(string text) =>
        Enumerable.Range(0, 4).AsParallel().Select(_ => string.Join(',', Tiny.Encode(text, false))).Distinct().Count() == 1;
}
