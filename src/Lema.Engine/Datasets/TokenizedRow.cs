using Lema.Engine.Datasets.Tokenizers;

namespace Lema.Engine.Datasets;

/// <summary>One row of a dataset as a model reads it, without padding.</summary>
/// <param name="Ids">int64 [length] token ids.</param>
/// <param name="Labels">int64 [length]: what token t is where it carries loss (it is predicted at t - 1), <see cref="Ignored"/> where it does not.</param>
public sealed record TokenizedRow(long[] Ids, long[] Labels)
{
    /// <summary>The label of a token that carries no loss, as in torch and transformers.</summary>
    public const long Ignored = -100;

    internal const string TeachesNothing = "no token of this row carries loss: it teaches nothing.";

    public int Length => Ids.Length;

    /// <summary>Tokens that carry loss; the first token of a row cannot, nothing predicts it.</summary>
    public int LossTokens => Labels.Skip(1).Count(label => label != Ignored);

    /// <summary>A prompt, which carries no loss, and its completion with the end-of-text token, which do.</summary>
    /// <remarks>Prompt and completion are tokenized apart, so that no token covers both and the prompt is what generation will see.</remarks>
    public static TokenizedRow FromPair(Tokenizer tokenizer, string prompt, string completion)
    {
        int[] masked = tokenizer.EncodePrompt(prompt), trained = tokenizer.Encode(completion, addSpecialTokens: false);
        IEnumerable<int> end = tokenizer.EosTokenId is { } eos ? [eos] : [];
        long[] ids = [.. masked.Concat(trained).Concat(end).Select(id => (long)id)];
        long[] labels = [.. Enumerable.Repeat(Ignored, masked.Length), .. ids.Skip(masked.Length)];
        return new TokenizedRow(ids, labels);
    }

    /// <summary>The row cut to its first tokens.</summary>
    public TokenizedRow Truncate(int maxLength) => Length <= maxLength ? this : new TokenizedRow(Ids[..maxLength], Labels[..maxLength]);
}
