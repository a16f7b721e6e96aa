using Lema.Engine.Datasets.Tokenizers.Decoders;
using Lema.Engine.Datasets.Tokenizers.Normalizers;

namespace Lema.Engine.Datasets.Tokenizers.Loading;

/// <summary>Builds the decoder that a tokenizer.json describes.</summary>
internal static class DecoderReader
{
    public static TokenDecoder Read(JsonPart part)
    {
        if (part.IsNull) return new SpacedDecoder();
        return part["type"].Text() switch
        {
            "Sequence" => new DecoderSequence([.. part["decoders"].Items().Select(Read)]),
            "ByteLevel" => new ByteLevelDecoder(),
            "ByteFallback" => new ByteFallbackDecoder(),
            "Fuse" => new Fuse(),
            "Replace" => new ReplaceDecoder(new Replace(PatternReader.Read(part["pattern"]), part["content"].Text())),
            "Strip" => new Strip(part["content"].Character(' '), part["start"].Number(0), part["stop"].Number(0)),
            "Metaspace" => new MetaspaceDecoder(part["replacement"].Character('▁'), PreTokenizerReader.Scheme(part)),
            "BPEDecoder" => new SuffixDecoder(part["suffix"].Text("</w>")),
            _ => throw part.Unsupported("the decoder"),
        };
    }
}
