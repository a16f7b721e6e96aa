namespace Lema.Engine.Datasets.Tokenizers.PostProcessors;

/// <summary>
/// The special tokens that a single text gets around it when they are asked for: a template of fixed ids and the place of the text.
/// Covers TemplateProcessing, RobertaProcessing and BertProcessing, and sequences of them.
/// </summary>
/// <param name="Before">Ids before the text.</param>
/// <param name="After">Ids after the text.</param>
internal sealed record PostProcessor(IReadOnlyList<int> Before, IReadOnlyList<int> After)
{
    public static readonly PostProcessor None = new([], []);

    /// <summary>Another processor around this one's result.</summary>
    public PostProcessor Within(PostProcessor outer) => new([.. outer.Before, .. Before], [.. After, .. outer.After]);
}
