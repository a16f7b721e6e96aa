using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Configuration;
using Lema.Engine.Models.Operations;

namespace Lema.Engine.Models.Families;

/// <summary>Qwen 3 with a mixture of experts in the blocks that are not dense.</summary>
public sealed class Qwen3MoeModel(LlamaSettings settings, int?[] windows, Qwen3MoeSettings moe) : Qwen3Model(settings, windows)
{
    private const string Router = "mlp.gate";

    private readonly ExpertParts _experts = new(
        "mlp.experts.{0}.{1}", "gate_proj", "up_proj", "down_proj", settings.Dimensions.HiddenSize, moe.IntermediateSize, moe.Experts);

    public new static DecoderModel Read(ConfigReader config)
    {
        LlamaSettings settings = ReadSettings(config, 4);
        config.MustBe("output_router_logits", false);
        _ = config.AnyNumber("router_aux_loss_coef", 0);
        // Every block slides or none: the field that says from which one on has no meaning here.
        _ = config.Has("max_window_layers");
        int? window = LayerTypes.Window(config, 4096);
        int?[] windows = [.. Enumerable.Repeat(config.Flag("use_sliding_window", false) ? window : null, settings.Dimensions.BlockCount)];
        return new Qwen3MoeModel(settings, windows, Qwen3MoeSettings.Read(config));
    }

    public override BlockParts Parts(int block) => IsDense(block) ? base.Parts(block) : new()
    {
        Others = [.. Norms(block), new(Router + ".weight", moe.Experts, HiddenSize)],
        Linears = AttentionLinears(),
        Experts = _experts.Linears,
        Fused = _experts.Fused("mlp.experts"),
    };

    protected override Variable FeedForward(LayerPass pass, int block, Variable h) => IsDense(block)
        ? base.FeedForward(pass, block, h)
        : _experts.Forward(pass, h, Routing.Softmax(pass, pass.Linear(h, Router), moe.Chosen, moe.Normalize));

    private bool IsDense(int block) => moe.DenseBlocks.Contains(block) || (block + 1) % moe.SparseStep != 0;
}

/// <param name="SparseStep">Every so many blocks one is sparse.</param>
/// <param name="Normalize">Weights of the chosen experts are divided by their sum.</param>
public sealed record Qwen3MoeSettings(int Experts, int Chosen, int IntermediateSize, bool Normalize, int[] DenseBlocks, int SparseStep)
{
    public static Qwen3MoeSettings Read(ConfigReader config)
    {
        int experts = config.PositiveInt("num_experts", config.PositiveInt("num_local_experts", 128)), chosen = config.PositiveInt("num_experts_per_tok", 8);
        if (chosen > experts) config.Problem("num_experts_per_tok", $"is {chosen} of {experts} experts.");
        return new(experts, chosen, config.PositiveInt("moe_intermediate_size", 768), config.Flag("norm_topk_prob", false),
            config.Ints("mlp_only_layers"), config.PositiveInt("decoder_sparse_step", 1));
    }
}
