using Lema.Engine.Datasets.Tokenizers.Patterns;

namespace Lema.Engine.Datasets.Tokenizers.Loading;

/// <summary>Reads <c>{"String": …}</c> and <c>{"Regex": …}</c>.</summary>
internal static class PatternReader
{
    public static ITextPattern Read(JsonPart part)
    {
        if (!part["String"].IsNull) return new LiteralPattern(part["String"].Text());
        if (!part["Regex"].IsNull) return new RegexPattern(part["Regex"]);
        throw part.Invalid("must have a String or a Regex.");
    }
}
