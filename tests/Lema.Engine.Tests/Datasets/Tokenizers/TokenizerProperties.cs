using FsCheck.Fluent;
using FsCheck.Xunit;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Tests.Datasets;

namespace Lema.Engine.Tests.Datasets.Tokenizers;

public class TokenizerProperties
{
    private static readonly Tokenizer Tiny = DatasetFixture.Tokenizer;

    // Lone surrogates are no text: UTF-8 cannot hold them.
    private static string Valid(string? text) => string.Concat((text ?? "").EnumerateRunes().Select(rune => rune.ToString()));

    [Property(MaxTest = 500)]
    public bool Decode_OfEncode_IsTheText(string text) => Tiny.Decode(Tiny.Encode(Valid(text), false), false) == Valid(text);

    [Property(MaxTest = 500)]
    public bool Stream_OfEncode_JoinsToTheText(string text)
    {
        TokenStream stream = Tiny.Stream(skipSpecialTokens: false);
        string joined = string.Concat(Tiny.Encode(Valid(text), false).Select(stream.Append)) + stream.Flush();
        return joined == Valid(text);
    }

    [Property(MaxTest = 500)]
    public bool EncodeSpans_HasTheIdsOfEncodeAndCoversTheText(string text)
    {
        IReadOnlyList<TokenSpan> spans = Tiny.EncodeSpans(Valid(text), false);
        bool touching = spans.Zip(spans.Skip(1)).All(pair => pair.Second.Start <= pair.First.End && pair.Second.Start >= pair.First.Start);
        return touching && spans.Select(span => span.Id).SequenceEqual(Tiny.Encode(Valid(text), false))
            && (spans.Count == 0 ? Valid(text).Length == 0 : spans[0].Start == 0 && spans[^1].End == Valid(text).Length);
    }

    [Property(MaxTest = 200)]
    public bool Encode_TwiceOrFromManyThreads_IsTheSame(string text) =>
        Enumerable.Range(0, 4).AsParallel().Select(_ => string.Join(',', Tiny.Encode(Valid(text), false))).Distinct().Count() == 1;
}
