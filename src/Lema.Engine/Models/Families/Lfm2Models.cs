using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Configuration;
using Lema.Engine.Models.Operations;

namespace Lema.Engine.Models.Families;

/// <summary>LFM2 (Liquid AI 2025): gated short convolutions in most blocks, grouped-query attention in the others, SwiGLU in all.</summary>
public class Lfm2Model(Lfm2Settings settings) : DecoderModel(settings.Dimensions)
{
    protected Lfm2Settings Settings { get; } = settings;

    public override IReadOnlyList<ParameterSpec> FinalNormParameters => [new("model.embedding_norm.weight", HiddenSize)];

    public static DecoderModel Read(ConfigReader config) => new Lfm2Model(Lfm2Settings.Read(config, Lfm2Settings.DenseWidth(config)));

    public override BlockParts Parts(int block) => new() { Others = Others(block), Linears = [.. OperatorLinears(block), .. FeedForwardLinears()] };

    public override Variable Block(LayerPass pass, int block, Variable x)
    {
        Variable h = Norm(pass, x, "operator_norm.weight");
        x = pass.Add(x, IsAttention(block) ? Attention(pass, h) : Convolution(pass, h));
        h = Norm(pass, x, "ffn_norm.weight");
        return pass.Add(x, FeedForward(pass, block, h));
    }

    public override Variable FinalNorm(LayerPass pass, Variable x) => Norm(pass, x, "model.embedding_norm.weight");

    protected virtual Variable FeedForward(LayerPass pass, int block, Variable h)
    {
        Variable[] gateUp = pass.Linears(h, false, "feed_forward.w1", "feed_forward.w3");
        return pass.Linear(pass.SiluMultiply(gateUp[0], gateUp[1]), "feed_forward.w2");
    }

    protected IReadOnlyList<ParameterSpec> Others(int block)
    {
        ParameterSpec[] norms = [new("operator_norm.weight", HiddenSize), new("ffn_norm.weight", HiddenSize)];
        if (IsAttention(block)) return [.. norms, new("self_attn.q_layernorm.weight", Settings.Heads.Width), new("self_attn.k_layernorm.weight", Settings.Heads.Width)];
        ParameterSpec taps = new("conv.conv.weight", HiddenSize, 1, Settings.Taps);
        return Settings.ConvolutionBias ? [.. norms, taps, new("conv.conv.bias", HiddenSize)] : [.. norms, taps];
    }

    protected IReadOnlyList<LinearSpec> OperatorLinears(int block) => IsAttention(block)
        ?
        [
            new("self_attn.q_proj", HiddenSize, Settings.Heads.QueryFeatures), new("self_attn.k_proj", HiddenSize, Settings.Heads.KeyFeatures),
            new("self_attn.v_proj", HiddenSize, Settings.Heads.KeyFeatures), new("self_attn.out_proj", Settings.Heads.QueryFeatures, HiddenSize),
        ]
        : [new("conv.in_proj", HiddenSize, 3L * HiddenSize, Settings.ConvolutionBias), new("conv.out_proj", HiddenSize, HiddenSize, Settings.ConvolutionBias)];

    protected IReadOnlyList<LinearSpec> FeedForwardLinears() =>
    [
        new("feed_forward.w1", HiddenSize, Settings.IntermediateSize), new("feed_forward.w3", HiddenSize, Settings.IntermediateSize),
        new("feed_forward.w2", Settings.IntermediateSize, HiddenSize),
    ];

    private bool IsAttention(int block) => Settings.LayerTypes[block] == LayerTypes.Full;

    private Variable Norm(LayerPass pass, Variable x, string weight) => pass.RmsNorm(x, weight, Settings.NormEpsilon);

    private Variable Attention(LayerPass pass, Variable h)
    {
        int width = Settings.Heads.Width;
        Variable[] qkv = pass.Linears(h, false, "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj");
        Variable q = Norm(pass, pass.Heads(qkv[0], width), "self_attn.q_layernorm.weight"), k = Norm(pass, pass.Heads(qkv[1], width), "self_attn.k_layernorm.weight");
        Variable v = pass.Heads(qkv[2], width);
        return pass.Linear(pass.Attend(pass.Rotate(q, Settings.Rotary), pass.Rotate(k, Settings.Rotary), v, new(1 / Math.Sqrt(width))), "self_attn.out_proj");
    }

    // rows of in_proj are B, C, x; y = C * conv(B * x)
    private Variable Convolution(LayerPass pass, Variable h)
    {
        Variable[] bcx = pass.Split(pass.Linear(h, "conv.in_proj", Settings.ConvolutionBias), HiddenSize, HiddenSize, HiddenSize);
        Variable mixed = pass.Convolve(pass.Multiply(bcx[0], bcx[2]), "conv.conv.weight", Settings.ConvolutionBias ? "conv.conv.bias" : null);
        return pass.Linear(pass.Multiply(bcx[1], mixed), "conv.out_proj", Settings.ConvolutionBias);
    }
}

/// <summary>LFM2 with a mixture of experts after the first dense blocks; a learned bias balances which experts are chosen.</summary>
public sealed class Lfm2MoeModel(Lfm2Settings settings, Lfm2MoeSettings moe) : Lfm2Model(settings)
{
    private const string Router = "feed_forward.gate", ChoiceBias = "feed_forward.expert_bias";

    private readonly ExpertParts _experts = new(
        "feed_forward.experts.{0}.{1}", "w1", "w3", "w2", settings.Dimensions.HiddenSize, moe.IntermediateSize, moe.Experts);

    public new static DecoderModel Read(ConfigReader config)
    {
        config.MustBe("output_router_logits", false);
        return new Lfm2MoeModel(Lfm2Settings.Read(config, config.PositiveInt("intermediate_size")), Lfm2MoeSettings.Read(config));
    }

    public override BlockParts Parts(int block) => IsDense(block) ? base.Parts(block) : new()
    {
        Others = [.. Others(block), new(Router + ".weight", moe.Experts, HiddenSize)],
        Buffers = moe.UsesBias ? [new(ChoiceBias, moe.Experts)] : [],
        Linears = OperatorLinears(block),
        Experts = _experts.Linears,
        ExpertsAdaptable = false,
        Fused = _experts.Fused("feed_forward.experts"),
    };

    protected override Variable FeedForward(LayerPass pass, int block, Variable h)
    {
        if (IsDense(block)) return base.FeedForward(pass, block, h);
        Routing routing = Routing.Sigmoid(pass, pass.Linear(h, Router), moe.UsesBias ? pass.Weights[ChoiceBias] : null, moe.Chosen, moe.Normalize, moe.Factor);
        return _experts.Forward(pass, h, routing);
    }

    private bool IsDense(int block) => block < moe.DenseBlocks;
}

public sealed record Lfm2Settings(
    ModelDimensions Dimensions, int IntermediateSize, HeadSettings Heads, double NormEpsilon, RotarySettings Rotary, string[] LayerTypes, int Taps, bool ConvolutionBias)
{
    private const string Convolution = "conv";

    public static Lfm2Settings Read(ConfigReader config, int intermediateSize)
    {
        HeadSettings heads = HeadSettings.Read(config, defaultKeys: 8);
        int[] attention = config.Ints("full_attn_idxs");
        bool isNamed = config.Has("full_attn_idxs");
        string[] types = Configuration.LayerTypes.Read(
            config, block => !isNamed || attention.Contains(block) ? Configuration.LayerTypes.Full : Convolution, Configuration.LayerTypes.Full, Convolution);
        int hidden = config.PositiveInt("hidden_size");
        foreach (string width in (string[])["block_dim", "conv_dim", "conv_dim_out"])
            if (config.PositiveInt(width, hidden) != hidden) config.Problem(width, $"differs from hidden_size {hidden}, which is not implemented.");
        config.MustBe("block_use_swiglu", true);
        config.MustBe("use_pos_enc", true);
        foreach (string initial in (string[])["block_mlp_init_scale", "block_out_init_scale", "block_use_xavier_init", "conv_use_xavier_init", "num_heads"]) _ = config.Has(initial);
        double epsilon = config.PositiveNumber("norm_eps", config.PositiveNumber("block_norm_eps", 1e-5));
        return new(ModelDimensions.Read(config, tiedByDefault: true), intermediateSize, heads, epsilon,
            RotaryConfiguration.Read(config, heads.Width, config.PositiveNumber("theta", 1e6)), types, config.PositiveInt("conv_L_cache", 3), config.Flag("conv_bias", false));
    }

    /// <summary>Width of the dense feed-forward: two thirds of intermediate_size, times a factor, rounded up.</summary>
    public static int DenseWidth(ConfigReader config)
    {
        int width = config.PositiveInt("block_ff_dim", config.PositiveInt("intermediate_size", 12288)), multiple = config.PositiveInt("block_multiple_of", 256);
        bool isRounded = config.Has("block_ffn_dim_multiplier") || !config.Keys.Contains("block_ffn_dim_multiplier");
        double factor = config.PositiveNumber("block_ffn_dim_multiplier", 1);
        if (!config.Flag("block_auto_adjust_ff_dim", true)) return width;
        int part = (int)(2L * width / 3);
        return isRounded ? (int)((long)(part * factor) + multiple - 1) / multiple * multiple : part;
    }
}

/// <param name="UsesBias">A bias takes part in choosing experts.</param>
/// <param name="Factor">Multiplies the weights of the chosen experts.</param>
public sealed record Lfm2MoeSettings(int Experts, int Chosen, int IntermediateSize, int DenseBlocks, bool Normalize, bool UsesBias, double Factor)
{
    public static Lfm2MoeSettings Read(ConfigReader config)
    {
        int experts = config.PositiveInt("num_experts", 32), chosen = config.PositiveInt("num_experts_per_tok", 4);
        if (chosen > experts) config.Problem("num_experts_per_tok", $"is {chosen} of {experts} experts.");
        return new(experts, chosen, config.PositiveInt("moe_intermediate_size", 1792), config.NonNegativeInt("num_dense_layers", 2),
            config.Flag("norm_topk_prob", true), config.Flag("use_expert_bias", true), config.PositiveNumber("routed_scaling_factor", 1));
    }
}
