namespace Lema.Engine.Datasets.Tokenizers;

/// <summary>A token that is recognised in the text itself, before the model sees it.</summary>
/// <param name="SingleWord">No word character may touch it.</param>
/// <param name="LStrip">Swallows the white space before it.</param>
/// <param name="RStrip">Swallows the white space after it.</param>
/// <param name="Normalized">Is looked for in the normalized text, itself normalized; otherwise in the raw text.</param>
/// <param name="Special">Is left out when decoding skips special tokens.</param>
internal sealed record AddedToken(int Id, string Content, bool SingleWord, bool LStrip, bool RStrip, bool Normalized, bool Special)
{
    public static AddedToken From(JsonPart part) => new(
        part["id"].Number(), part["content"].Text(), part["single_word"].Flag(false), part["lstrip"].Flag(false), part["rstrip"].Flag(false),
        part["normalized"].Flag(false), part["special"].Flag(false));
}
