using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Configuration;
using Lema.Engine.Models.Operations;

namespace Lema.Engine.Models.Families;

/// <summary>Mixtral (Jiang et al. 2024): Mistral with a mixture of experts in every block.</summary>
public sealed class MixtralModel(LlamaSettings settings, int? window, int experts, int chosen) : LlamaModel(settings)
{
    private const string Router = "block_sparse_moe.gate";

    private readonly ExpertParts _experts = new(
        "block_sparse_moe.experts.{0}.{1}", "w1", "w3", "w2", settings.Dimensions.HiddenSize, settings.IntermediateSize, experts);

    public new static DecoderModel Read(ConfigReader config)
    {
        LlamaSettings settings = LlamaSettings.Read(config, theta: 1e6, keyHeads: 8, epsilon: 1e-5);
        int experts = config.PositiveInt("num_local_experts", 8), chosen = config.PositiveInt("num_experts_per_tok", 2);
        if (chosen > experts) config.Problem("num_experts_per_tok", $"is {chosen} of {experts} experts.");
        config.MustBe("router_jitter_noise", 0);
        config.MustBe("output_router_logits", false);
        _ = config.AnyNumber("router_aux_loss_coef", 0);
        return new MixtralModel(settings, LayerTypes.Window(config, null), experts, chosen);
    }

    public override BlockParts Parts(int block) => new()
    {
        Others = [.. Norms(block), new(Router + ".weight", experts, HiddenSize)],
        Linears = AttentionLinears(),
        Experts = _experts.Linears,
        Fused = _experts.Fused("mlp.experts"),
    };

    protected override AttentionSettings Scores(int block) => base.Scores(block) with { Window = window };

    protected override Variable FeedForward(LayerPass pass, int block, Variable h) =>
        _experts.Forward(pass, h, Routing.Softmax(pass, pass.Linear(h, Router), chosen, normalize: true));
}
