namespace Lema.Engine.Models;

/// <summary>A parameter of the base model that can be trained as a whole.</summary>
/// <param name="Name">Published name; <c>lm_head.weight</c> for the head even where it is tied.</param>
/// <param name="BaseName">Name of the tensor in the file that holds its value.</param>
/// <param name="Layer">-1 the embedding, 0.. a block, the number of blocks the final norm and the head.</param>
public sealed record WholeParameter(string Name, string BaseName, IReadOnlyList<long> Shape, int Layer)
{
    private const string Head = "lm_head.weight";

    public bool IsHead => Name == Head;

    /// <summary>The module that the parameter belongs to.</summary>
    public string Module => Name[..Name.LastIndexOf('.')];

    /// <summary>Every parameter of a model, experts included, in the order of the model.</summary>
    public static IEnumerable<WholeParameter> All(DecoderModel model)
    {
        IReadOnlyList<long> vocabulary = [model.VocabularySize, model.HiddenSize];
        yield return new(model.EmbeddingName, model.EmbeddingName, vocabulary, -1);
        foreach (ParameterSpec extra in model.EmbeddingExtras) yield return new(extra.Suffix, extra.Suffix, extra.Shape, -1);
        for (int block = 0; block < model.BlockCount; block++)
        {
            BlockParts parts = model.Parts(block);
            foreach (ParameterSpec parameter in parts.Parameters().Concat(parts.Experts.SelectMany(expert => expert).SelectMany(linear => linear.Parameters())))
            {
                string name = model.BlockPrefix(block) + parameter.Suffix;
                yield return new(name, name, parameter.Shape, block);
            }
        }
        foreach (ParameterSpec norm in model.FinalNormParameters) yield return new(norm.Suffix, norm.Suffix, norm.Shape, model.BlockCount);
        yield return new(Head, model.HeadName, vocabulary, model.BlockCount);
    }
}
