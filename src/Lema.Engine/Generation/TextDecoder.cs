using Lema.Engine.Datasets.Tokenizers;

namespace Lema.Engine.Generation;

/// <summary>How the generator, which knows no tokenizer, turns the tokens of one reply into text.</summary>
/// <param name="Append">Takes the next token and gives the text that is complete with it.</param>
/// <param name="Flush">Gives what was held back, at the end of the tokens.</param>
public sealed record TextDecoder(Func<int, string> Append, Func<string> Flush)
{
    /// <summary>No text at all.</summary>
    public static TextDecoder None { get; } = new(_ => "", () => "");

    public static TextDecoder Of(Tokenizer tokenizer, bool skipSpecialTokens = true)
    {
        TokenStream stream = tokenizer.Stream(skipSpecialTokens);
        return new TextDecoder(stream.Append, stream.Flush);
    }
}
