using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Configuration;
using Lema.Engine.Models.Operations;

namespace Lema.Engine.Models.Families;

/// <summary>Phi-3 (Abdin et al. 2024): Llama with fused projections: rows of qkv_proj are q, k, v; of gate_up_proj gate, up.</summary>
public sealed class Phi3Model(LlamaSettings settings, int? window) : LlamaModel(settings)
{
    public new static DecoderModel Read(ConfigReader config)
    {
        // What the first publications called su and yarn is what became known as longrope.
        LlamaSettings settings = LlamaSettings.Read(config, epsilon: 1e-5, rotary: width =>
            RotaryConfiguration.Read(config, width, 10000, partial: true, read: name => name is "su" or "yarn" ? "longrope" : name));
        _ = config.OptionalInt("original_max_position_embeddings");
        config.MustBe("full_attn_mod", 1);
        config.MustBe("interpolate_factor", 1);
        return new Phi3Model(settings, LayerTypes.Window(config, null));
    }

    public override BlockParts Parts(int block) => new()
    {
        Others = Norms(block),
        Linears =
        [
            new("self_attn.qkv_proj", HiddenSize, Heads.QueryFeatures + 2 * Heads.KeyFeatures), new("self_attn.o_proj", Heads.QueryFeatures, HiddenSize),
            new("mlp.gate_up_proj", HiddenSize, 2L * Settings.IntermediateSize), new("mlp.down_proj", Settings.IntermediateSize, HiddenSize),
        ],
    };

    protected override Variable Attention(LayerPass pass, int block, Variable h)
    {
        Variable[] qkv = pass.Split(pass.Linear(h, "self_attn.qkv_proj"), Heads.QueryFeatures, Heads.KeyFeatures, Heads.KeyFeatures);
        Variable q = pass.Rotate(pass.Heads(qkv[0], Heads.Width), Settings.Rotary), k = pass.Rotate(pass.Heads(qkv[1], Heads.Width), Settings.Rotary);
        Variable y = pass.Attend(q, k, pass.Heads(qkv[2], Heads.Width), Scores(block) with { Window = window });
        return pass.Linear(y, "self_attn.o_proj");
    }

    protected override Variable FeedForward(LayerPass pass, int block, Variable h)
    {
        Variable[] gateUp = pass.Split(pass.Linear(h, "mlp.gate_up_proj"), Settings.IntermediateSize, Settings.IntermediateSize);
        return pass.Linear(Gate(pass, gateUp[0], gateUp[1]), "mlp.down_proj");
    }
}
