using Lema.Engine.Models.Autodiff;

namespace Lema.Engine.Models;

/// <summary>
/// The architecture of one model: the names and shapes of its parameters and the mathematics of its layers, without any weight. A family derives from it; all
/// that streams, trains, generates or merges works on this class alone.
/// </summary>
public abstract class DecoderModel(ModelDimensions dimensions)
{
    public string ModelType => dimensions.ModelType;

    public int HiddenSize => dimensions.HiddenSize;

    public int VocabularySize => dimensions.VocabularySize;

    public int BlockCount => dimensions.BlockCount;

    public int MaxPositions => dimensions.MaxPositions;

    /// <summary>The output matrix is the embedding.</summary>
    public bool TiedEmbeddings => dimensions.TiedEmbeddings;

    /// <summary>Published name of the token embedding, [vocabulary, hidden].</summary>
    public virtual string EmbeddingName => "model.embed_tokens.weight";

    public string HeadName => TiedEmbeddings ? EmbeddingName : "lm_head.weight";

    /// <summary>Further parameters of the embedding layer (learned positions).</summary>
    public virtual IReadOnlyList<ParameterSpec> EmbeddingExtras => [];

    /// <summary>Parameters of the final norm, by whole name.</summary>
    public virtual IReadOnlyList<ParameterSpec> FinalNormParameters => [new("model.norm.weight", HiddenSize)];

    public virtual string BlockPrefix(int block) => $"model.layers.{block}.";

    /// <summary>What transformers puts before a published name in its module tree (GPT-2 publishes without it).</summary>
    public virtual string ModulePrefix => "";

    /// <summary>The published name of a tensor that some writers save under another one.</summary>
    public virtual string PublishedName(string name) => name;

    public abstract BlockParts Parts(int block);

    /// <summary>Some block has experts that are streamed when they are chosen.</summary>
    public bool HasExperts => Enumerable.Range(0, BlockCount).Any(block => Parts(block).Experts.Count > 0);

    /// <summary>Embedding rows [tokens, hidden] -> input of the first block.</summary>
    /// <param name="atPositions">Name of an extra parameter -> its rows at the tokens' positions, [tokens, hidden].</param>
    public virtual Variable Embed(LayerPass pass, Variable rows, Func<string, Variable> atPositions) => rows;

    /// <summary>One block. x: [tokens, hidden] -> [tokens, hidden].</summary>
    public abstract Variable Block(LayerPass pass, int block, Variable x);

    /// <summary>The norm before the head, [tokens, hidden] -> [tokens, hidden].</summary>
    public abstract Variable FinalNorm(LayerPass pass, Variable x);

    /// <summary>Logits are multiplied by this (Granite divides them).</summary>
    public virtual double LogitScale => 1;

    /// <summary>Logits become cap * tanh(logit / cap); null: as they are.</summary>
    public virtual double? LogitSoftcap => null;
}
