using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Configuration;
using Lema.Engine.Models.Operations;

namespace Lema.Engine.Models.Families;

/// <summary>Granite 3 (IBM 2024): Llama with constant factors on embeddings, residual branches, attention scores and logits.</summary>
public sealed class GraniteModel(LlamaSettings settings, double embedding, double residual, double attention, double logits) : LlamaModel(settings)
{
    public override double LogitScale => 1 / logits;

    public new static DecoderModel Read(ConfigReader config)
    {
        bool bias = config.Flag("attention_bias", false);
        LlamaSettings settings = LlamaSettings.Read(config) with { QkvBias = bias, OutputBias = bias, MlpBias = config.Flag("mlp_bias", false) };
        return new GraniteModel(settings, config.PositiveNumber("embedding_multiplier", 1), config.PositiveNumber("residual_multiplier", 1),
            config.PositiveNumber("attention_multiplier", 1), config.PositiveNumber("logits_scaling", 1));
    }

    public override Variable Embed(LayerPass pass, Variable rows, Func<string, Variable> atPositions) => pass.Scale(rows, embedding);

    protected override Variable Branch(LayerPass pass, Variable y) => pass.Scale(y, residual);

    protected override AttentionSettings Scores(int block) => new(attention);
}
