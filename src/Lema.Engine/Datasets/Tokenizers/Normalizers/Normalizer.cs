using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.Normalizers;

/// <summary>Rewrites a segment of text before it is cut into words.</summary>
internal abstract class Normalizer
{
    public abstract AlignedText Normalize(AlignedText text);
}

internal sealed class NormalizerSequence(IReadOnlyList<Normalizer> parts) : Normalizer
{
    public override AlignedText Normalize(AlignedText text)
    {
        foreach (Normalizer part in parts) text = part.Normalize(text);
        return text;
    }
}

/// <summary>Puts a string before every segment that is not empty.</summary>
internal sealed class Prepend(string prefix) : Normalizer
{
    public override AlignedText Normalize(AlignedText text) => text.Text.Length == 0 ? text : text.Changed(prefix + text.Text, builder =>
    {
        builder.Replace(0, 0, prefix.Length);
        builder.Keep(0, text.Text.Length);
    });
}

/// <summary>Writes the text's UTF-8 bytes in GPT-2's byte characters.</summary>
internal sealed class ByteLevelNormalizer : Normalizer
{
    public override AlignedText Normalize(AlignedText text) => PreTokenizers.ByteCharacterMapping.Map(text, 0, text.Text.Length);
}
