using Lema.Engine.Datasets.Tokenizers.Normalizers;

namespace Lema.Engine.Datasets.Tokenizers.Loading;

/// <summary>Builds the normalizer that a tokenizer.json describes.</summary>
internal static class NormalizerReader
{
    /// <summary>The normalizer, or null where there is none.</summary>
    public static Normalizer? Read(JsonPart part)
    {
        if (part.IsNull) return null;
        return part["type"].Text() switch
        {
            "Sequence" => new NormalizerSequence([.. part["normalizers"].Items().Select(Read).OfType<Normalizer>()]),
            "Prepend" => new Prepend(part["prepend"].Text()),
            "Replace" => new Replace(PatternReader.Read(part["pattern"]), part["content"].Text()),
            "NFC" => new UnicodeForm(compatibility: false, compose: true),
            "NFD" => new UnicodeForm(compatibility: false, compose: false),
            "NFKC" => new UnicodeForm(compatibility: true, compose: true),
            "NFKD" => new UnicodeForm(compatibility: true, compose: false),
            "Lowercase" => new Lowercase(),
            "StripAccents" => new StripAccents(),
            "Strip" => new StripSpaces(part["strip_left"].Flag(true), part["strip_right"].Flag(true)),
            "ByteLevel" => new ByteLevelNormalizer(),
            _ => throw part.Unsupported("the normalizer"),
        };
    }
}
