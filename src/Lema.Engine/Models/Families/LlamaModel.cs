using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Configuration;
using Lema.Engine.Models.Operations;

namespace Lema.Engine.Models.Families;

/// <summary>The numbers of a Llama-like block.</summary>
/// <param name="QkvBias">Biases on the query, key and value projections.</param>
/// <param name="OutputBias">A bias on the attention's output projection.</param>
public sealed record LlamaSettings(
    ModelDimensions Dimensions, int IntermediateSize, HeadSettings Heads, double NormEpsilon, RotarySettings Rotary, bool QkvBias = false, bool OutputBias = false, bool MlpBias = false)
{
    /// <summary>The fields that most families name alike.</summary>
    /// <param name="theta">The family's default of rope_theta; the other defaults likewise.</param>
    /// <param name="rotary">Reads the rotary settings of heads of a width, where the family does so in a way of its own.</param>
    public static LlamaSettings Read(
        ConfigReader config, double theta = 10000, bool tiedByDefault = false, int? headWidth = null, int? keyHeads = null, double epsilon = 1e-6, Func<int, RotarySettings>? rotary = null)
    {
        config.OneOf("hidden_act", "silu", "silu");
        HeadSettings heads = HeadSettings.Read(config, headWidth, keyHeads);
        return new(ModelDimensions.Read(config, tiedByDefault), config.PositiveInt("intermediate_size"), heads, config.PositiveNumber("rms_norm_eps", epsilon),
            rotary?.Invoke(heads.Width) ?? RotaryConfiguration.Read(config, heads.Width, theta));
    }
}

/// <summary>
/// Llama (Touvron et al. 2023): pre-norm attention with rotary positions and grouped queries, pre-norm SwiGLU. Many families share its block and differ in one
/// part; they derive from it and override that part.
/// </summary>
public class LlamaModel(LlamaSettings settings) : DecoderModel(settings.Dimensions)
{
    protected LlamaSettings Settings { get; } = settings;

    protected HeadSettings Heads => Settings.Heads;

    public static DecoderModel Read(ConfigReader config)
    {
        config.MustBe("pretraining_tp", 1);
        bool attentionBias = config.Flag("attention_bias", false);
        return new LlamaModel(LlamaSettings.Read(config) with { QkvBias = attentionBias, OutputBias = attentionBias, MlpBias = config.Flag("mlp_bias", false) });
    }

    public override BlockParts Parts(int block) => new() { Others = Norms(block), Linears = [.. AttentionLinears(), .. FeedForwardLinears(Settings.IntermediateSize)] };

    public override Variable Block(LayerPass pass, int block, Variable x)
    {
        Variable h = Norm(pass, x, "input_layernorm.weight");
        x = pass.Add(x, Branch(pass, Attention(pass, block, h)));
        h = Norm(pass, x, "post_attention_layernorm.weight");
        return pass.Add(x, Branch(pass, FeedForward(pass, block, h)));
    }

    public override Variable FinalNorm(LayerPass pass, Variable x) => Norm(pass, x, FinalNormParameters[0].Suffix);

    protected virtual IReadOnlyList<ParameterSpec> Norms(int block) =>
        [new("input_layernorm.weight", HiddenSize), new("post_attention_layernorm.weight", HiddenSize)];

    protected virtual IReadOnlyList<LinearSpec> AttentionLinears() =>
    [
        new("self_attn.q_proj", HiddenSize, Heads.QueryFeatures, Settings.QkvBias), new("self_attn.k_proj", HiddenSize, Heads.KeyFeatures, Settings.QkvBias),
        new("self_attn.v_proj", HiddenSize, Heads.KeyFeatures, Settings.QkvBias), new("self_attn.o_proj", Heads.QueryFeatures, HiddenSize, Settings.OutputBias),
    ];

    protected IReadOnlyList<LinearSpec> FeedForwardLinears(long inner) =>
    [
        new("mlp.gate_proj", HiddenSize, inner, Settings.MlpBias), new("mlp.up_proj", HiddenSize, inner, Settings.MlpBias),
        new("mlp.down_proj", inner, HiddenSize, Settings.MlpBias),
    ];

    protected virtual Variable Norm(LayerPass pass, Variable x, string weight) => pass.RmsNorm(x, weight, Settings.NormEpsilon);

    /// <summary>What happens to the output of attention or feed-forward before it is added to the residual stream.</summary>
    protected virtual Variable Branch(LayerPass pass, Variable y) => y;

    /// <summary>Rotary positions of a block; null: it has none.</summary>
    protected virtual RotarySettings? Rotary(int block) => Settings.Rotary;

    protected virtual AttentionSettings Scores(int block) => new(1 / Math.Sqrt(Heads.Width));

    /// <summary>A norm on projected queries or keys [tokens, features], before they are cut into heads.</summary>
    protected virtual Variable NormProjection(LayerPass pass, Variable projected, string name) => projected;

    /// <summary>A norm on each head of queries or keys [tokens, heads, width], before rotation.</summary>
    protected virtual Variable NormHeads(LayerPass pass, Variable heads, string name) => heads;

    protected virtual Variable Attention(LayerPass pass, int block, Variable h)
    {
        Variable[] qkv = pass.Linears(h, Settings.QkvBias, "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj");
        Variable Normed(Variable projected, string norm) => NormHeads(pass, pass.Heads(NormProjection(pass, projected, norm), Heads.Width), norm);
        Variable q = Normed(qkv[0], "q_norm"), k = Normed(qkv[1], "k_norm"), v = pass.Heads(qkv[2], Heads.Width);
        if (Rotary(block) is { } rotary) (q, k) = (pass.Rotate(q, rotary), pass.Rotate(k, rotary));
        return pass.Linear(pass.Attend(q, k, v, Scores(block)), "self_attn.o_proj", Settings.OutputBias);
    }

    protected virtual Variable FeedForward(LayerPass pass, int block, Variable h)
    {
        Variable[] gateUp = pass.Linears(h, Settings.MlpBias, "mlp.gate_proj", "mlp.up_proj");
        return pass.Linear(Gate(pass, gateUp[0], gateUp[1]), "mlp.down_proj", Settings.MlpBias);
    }

    /// <summary>The activation of the gate, times up.</summary>
    protected virtual Variable Gate(LayerPass pass, Variable gate, Variable up) => pass.SiluMultiply(gate, up);
}
