using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Configuration;
using Lema.Engine.Models.Operations;

namespace Lema.Engine.Models.Families;

/// <summary>
/// Gemma 2 (Gemma team 2024): four norms a block, whose weights are stored as differences from 1; embeddings times sqrt(hidden); GELU gates; soft caps on scores and
/// logits; every other block attends within a window.
/// </summary>
public class Gemma2Model(LlamaSettings settings, GemmaSettings gemma) : LlamaModel(settings)
{
    protected GemmaSettings Gemma { get; } = gemma;

    public override double? LogitSoftcap => Gemma.LogitSoftcap;

    public new static DecoderModel Read(ConfigReader config)
    {
        string[] types = LayerTypes.Read(config, block => block % 2 == 0 ? LayerTypes.Sliding : LayerTypes.Full, LayerTypes.Full, LayerTypes.Sliding);
        return new Gemma2Model(GemmaSettings.ReadBlock(config), GemmaSettings.Read(config, types, 4096, 50, 30));
    }

    public override Variable Block(LayerPass pass, int block, Variable x)
    {
        Variable y = Attention(pass, block, Norm(pass, x, "input_layernorm.weight"));
        x = pass.Add(x, Norm(pass, y, "post_attention_layernorm.weight"));
        y = FeedForward(pass, block, Norm(pass, x, "pre_feedforward_layernorm.weight"));
        return pass.Add(x, Norm(pass, y, "post_feedforward_layernorm.weight"));
    }

    // The reference rounds the factor to the type of the weights that compute.
    public override Variable Embed(LayerPass pass, Variable rows, Func<string, Variable> atPositions) =>
        pass.Scale(rows, TorchSharp.torch.tensor(Math.Sqrt(HiddenSize), pass.Weights.ComputeType).to(TorchSharp.torch.ScalarType.Float64).item<double>());

    protected override IReadOnlyList<ParameterSpec> Norms(int block) =>
    [
        .. base.Norms(block), new("pre_feedforward_layernorm.weight", HiddenSize), new("post_feedforward_layernorm.weight", HiddenSize),
    ];

    protected override Variable Norm(LayerPass pass, Variable x, string weight) => pass.RmsNorm(x, weight, Settings.NormEpsilon, weightOffset: 1);

    protected override AttentionSettings Scores(int block) => new(Math.Pow(Gemma.QueryScalar, -0.5), Slides(block) ? Gemma.Window : null, Gemma.ScoreSoftcap);

    protected override Variable Gate(LayerPass pass, Variable gate, Variable up) => pass.Multiply(pass.GeluTanh(gate), up);

    protected bool Slides(int block) => Gemma.LayerTypes[block] == LayerTypes.Sliding;
}

/// <summary>Gemma 3 (Gemma team 2025), text part: a norm on each head of queries and keys instead of soft caps, and rotary positions of their own for sliding blocks.</summary>
public sealed class Gemma3Model(LlamaSettings settings, GemmaSettings gemma, RotarySettings slidingRotary) : Gemma2Model(settings, gemma)
{
    public new static DecoderModel Read(ConfigReader config)
    {
        config.MustBe("use_bidirectional_attention", false);
        int pattern = config.PositiveInt("sliding_window_pattern", config.PositiveInt("_sliding_window_pattern", 6));
        string[] types = LayerTypes.Read(config, block => (block + 1) % pattern == 0 ? LayerTypes.Full : LayerTypes.Sliding, LayerTypes.Full, LayerTypes.Sliding);
        LlamaSettings settings = GemmaSettings.ReadBlock(config, LayerTypes.Full, 1e6);
        RotarySettings sliding = RotaryConfiguration.Read(config, settings.Heads.Width, 10000, LayerTypes.Sliding, "rope_local_base_freq", oldScaling: false);
        return new Gemma3Model(settings, GemmaSettings.Read(config, types, 4096, null, null), sliding);
    }

    protected override IReadOnlyList<ParameterSpec> Norms(int block) =>
        [.. base.Norms(block), new("self_attn.q_norm.weight", Heads.Width), new("self_attn.k_norm.weight", Heads.Width)];

    protected override Variable NormHeads(LayerPass pass, Variable heads, string name) => Norm(pass, heads, $"self_attn.{name}.weight");

    protected override RotarySettings Rotary(int block) => Slides(block) ? slidingRotary : Settings.Rotary;
}

/// <summary>What Gemma has beyond a Llama-like block.</summary>
/// <param name="QueryScalar">Scores are divided by its square root.</param>
public sealed record GemmaSettings(string[] LayerTypes, int Window, double QueryScalar, double? ScoreSoftcap, double? LogitSoftcap)
{
    public static GemmaSettings Read(ConfigReader config, string[] layerTypes, int window, double? scoreCap, double? logitCap) => new(
        layerTypes, config.PositiveInt("sliding_window", window), config.PositiveNumber("query_pre_attn_scalar", 256),
        Softcap(config, "attn_logit_softcapping", scoreCap), Softcap(config, "final_logit_softcapping", logitCap));

    /// <param name="layerType">The kind of block whose rotary settings are the plain ones, where kinds differ.</param>
    public static LlamaSettings ReadBlock(ConfigReader config, string? layerType = null, double theta = 10000)
    {
        // Old Gemma 2 files name the activation twice; hidden_activation is the one that counts.
        config.OneOf("hidden_activation", "gelu_pytorch_tanh", "gelu_pytorch_tanh");
        _ = config.Text("hidden_act", "");
        bool bias = config.Flag("attention_bias", false);
        HeadSettings heads = HeadSettings.Read(config, 256, 4);
        return new(ModelDimensions.Read(config, tiedByDefault: true), config.PositiveInt("intermediate_size"), heads, config.PositiveNumber("rms_norm_eps", 1e-6),
            RotaryConfiguration.Read(config, heads.Width, theta, layerType), bias, bias);
    }

    // An explicit null turns a cap off; only an absent field means the family's default.
    private static double? Softcap(ConfigReader config, string key, double? fallback) => config.OptionalNumber(key) ?? (config.Keys.Contains(key) ? null : fallback);
}
