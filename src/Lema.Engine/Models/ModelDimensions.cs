using Lema.Engine.Models.Configuration;

namespace Lema.Engine.Models;

/// <summary>What every decoder has.</summary>
/// <param name="TiedEmbeddings">The output matrix is the embedding.</param>
public sealed record ModelDimensions(string ModelType, int HiddenSize, int VocabularySize, int BlockCount, int MaxPositions, bool TiedEmbeddings)
{
    public static ModelDimensions Read(ConfigReader config, bool tiedByDefault = false) => new(
        config.Text("model_type"), config.PositiveInt("hidden_size"), config.PositiveInt("vocab_size"), config.PositiveInt("num_hidden_layers"),
        config.PositiveInt("max_position_embeddings", 2048), config.Flag("tie_embedding", config.Flag("tie_word_embeddings", tiedByDefault)));
}
