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
            "ByteLevel" => new ByteLevelNormalizer(),
            _ => throw part.Unsupported("the normalizer"),
        };
    }
}
