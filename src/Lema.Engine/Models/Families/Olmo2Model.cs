using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Configuration;
using Lema.Engine.Models.Operations;

namespace Lema.Engine.Models.Families;

/// <summary>OLMo 2 (OLMo team 2024): norms after attention and feed-forward instead of before, and over all heads of queries and keys together.</summary>
public sealed class Olmo2Model(LlamaSettings settings) : LlamaModel(settings)
{
    public new static DecoderModel Read(ConfigReader config)
    {
        bool bias = config.Flag("attention_bias", false);
        return new Olmo2Model(LlamaSettings.Read(config, epsilon: 1e-5) with { QkvBias = bias, OutputBias = bias });
    }

    public override Variable Block(LayerPass pass, int block, Variable x)
    {
        x = pass.Add(x, Norm(pass, Attention(pass, block, x), "post_attention_layernorm.weight"));
        return pass.Add(x, Norm(pass, FeedForward(pass, block, x), "post_feedforward_layernorm.weight"));
    }

    protected override IReadOnlyList<ParameterSpec> Norms(int block) =>
    [
        new("post_attention_layernorm.weight", HiddenSize), new("post_feedforward_layernorm.weight", HiddenSize),
        new("self_attn.q_norm.weight", Heads.QueryFeatures), new("self_attn.k_norm.weight", Heads.KeyFeatures),
    ];

    protected override Variable NormProjection(LayerPass pass, Variable projected, string name) => Norm(pass, projected, $"self_attn.{name}.weight");
}
