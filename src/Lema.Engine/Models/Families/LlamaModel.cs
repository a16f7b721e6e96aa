using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Configuration;
using Lema.Engine.Models.Operations;

namespace Lema.Engine.Models.Families;

/// <summary>
/// Llama (Touvron et al. 2023) and the many that share its block: pre-norm attention with rotary positions and grouped queries, pre-norm SwiGLU. A family that
/// differs in a part overrides that part.
/// </summary>
public class LlamaModel : DecoderModel
{
    public required int IntermediateSize { get; init; }

    public required HeadSettings Heads { get; init; }

    public required double NormEpsilon { get; init; }

    public required RotarySettings Rotary { get; init; }

    public bool AttentionBias { get; init; }

    public bool MlpBias { get; init; }

    public static DecoderModel Read(ConfigReader config)
    {
        config.MustBe("pretraining_tp", 1);
        config.OneOf("hidden_act", "silu", "silu");
        return From(config, HeadSettings.Read(config), config.Flag("attention_bias", false), config.Flag("mlp_bias", false));
    }

    private static LlamaModel From(ConfigReader config, HeadSettings heads, bool attentionBias, bool mlpBias) => new()
    {
        ModelType = "llama",
        HiddenSize = config.PositiveInt("hidden_size"),
        VocabularySize = config.PositiveInt("vocab_size"),
        BlockCount = config.PositiveInt("num_hidden_layers"),
        MaxPositions = config.PositiveInt("max_position_embeddings", 2048),
        TiedEmbeddings = config.Flag("tie_word_embeddings", false),
        IntermediateSize = config.PositiveInt("intermediate_size"),
        Heads = heads,
        NormEpsilon = config.PositiveNumber("rms_norm_eps", 1e-6),
        Rotary = RotaryConfiguration.Read(config, heads.Width, 10000),
        AttentionBias = attentionBias,
        MlpBias = mlpBias,
    };

    public override BlockParts Parts(int block) => new()
    {
        Others = [new("input_layernorm.weight", HiddenSize), new("post_attention_layernorm.weight", HiddenSize)],
        Linears =
        [
            new("self_attn.q_proj", HiddenSize, Heads.QueryFeatures, AttentionBias), new("self_attn.k_proj", HiddenSize, Heads.KeyFeatures, AttentionBias),
            new("self_attn.v_proj", HiddenSize, Heads.KeyFeatures, AttentionBias), new("self_attn.o_proj", Heads.QueryFeatures, HiddenSize, AttentionBias),
            new("mlp.gate_proj", HiddenSize, IntermediateSize, MlpBias), new("mlp.up_proj", HiddenSize, IntermediateSize, MlpBias),
            new("mlp.down_proj", IntermediateSize, HiddenSize, MlpBias),
        ],
    };

    public override Variable Block(LayerPass pass, int block, Variable x)
    {
        Variable h = pass.RmsNorm(x, "input_layernorm.weight", NormEpsilon);
        x = pass.Add(x, Attention(pass, block, h));
        h = pass.RmsNorm(x, "post_attention_layernorm.weight", NormEpsilon);
        return pass.Add(x, FeedForward(pass, h));
    }

    public override Variable FinalNorm(LayerPass pass, Variable x) => pass.RmsNorm(x, "model.norm.weight", NormEpsilon);

    private Variable Attention(LayerPass pass, int block, Variable h)
    {
        Variable q = pass.Heads(pass.Linear(h, "self_attn.q_proj", AttentionBias), Heads.Width);
        Variable k = pass.Heads(pass.Linear(h, "self_attn.k_proj", AttentionBias), Heads.Width);
        Variable v = pass.Heads(pass.Linear(h, "self_attn.v_proj", AttentionBias), Heads.Width);
        Variable y = pass.Attend(pass.Rotate(q, Rotary), pass.Rotate(k, Rotary), v, new(1 / Math.Sqrt(Heads.Width)));
        return pass.Linear(y, "self_attn.o_proj", AttentionBias);
    }

    private Variable FeedForward(LayerPass pass, Variable h)
    {
        Variable gate = pass.Linear(h, "mlp.gate_proj", MlpBias), up = pass.Linear(h, "mlp.up_proj", MlpBias);
        return pass.Linear(pass.SiluMultiply(gate, up), "mlp.down_proj", MlpBias);
    }
}
