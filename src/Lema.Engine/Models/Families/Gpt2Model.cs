using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Configuration;
using Lema.Engine.Models.Operations;

namespace Lema.Engine.Models.Families;

/// <summary>GPT-2 (Radford et al. 2019): learned positions, layer norms with bias, weights stored [in, out] (Conv1D), tied embeddings.</summary>
public sealed class Gpt2Model(ModelDimensions dimensions, int heads, int inner, double epsilon, bool scalesByDepth) : DecoderModel(dimensions)
{
    private const string PositionEmbedding = "wpe.weight";

    public override string EmbeddingName => "wte.weight";

    public override string ModulePrefix => "transformer.";

    public override IReadOnlyList<ParameterSpec> EmbeddingExtras => [new(PositionEmbedding, MaxPositions, HiddenSize)];

    public override IReadOnlyList<ParameterSpec> FinalNormParameters => [new("ln_f.weight", HiddenSize), new("ln_f.bias", HiddenSize)];

    public static DecoderModel Read(ConfigReader config)
    {
        config.OneOf("activation_function", "gelu_new", "gelu_new", "gelu_pytorch_tanh");
        config.MustBe("add_cross_attention", false);
        config.MustBe("scale_attn_weights", true);
        _ = config.Flag("reorder_and_upcast_attn", false);
        foreach (string key in (string[])["summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type", "summary_use_proj", "n_ctx"]) _ = config.Has(key);
        int hidden = config.PositiveInt("n_embd", 768), heads = config.PositiveInt("n_head", 12);
        if (hidden % heads != 0) config.Problem("n_head", $"is {heads}, which does not divide n_embd {hidden}.");
        ModelDimensions dimensions = new(config.Text("model_type"), hidden, config.PositiveInt("vocab_size"), config.PositiveInt("n_layer", 12),
            config.PositiveInt("n_positions", 1024), config.Flag("tie_word_embeddings", true));
        return new Gpt2Model(dimensions, heads, config.OptionalInt("n_inner") ?? 4 * hidden, config.PositiveNumber("layer_norm_epsilon", 1e-5),
            config.Flag("scale_attn_by_inverse_layer_idx", false));
    }

    public override string BlockPrefix(int block) => $"h.{block}.";

    // save_pretrained keeps the prefix that the published files lack
    public override string PublishedName(string name) => name.StartsWith(ModulePrefix, StringComparison.Ordinal) ? name[ModulePrefix.Length..] : name;

    public override BlockParts Parts(int block) => new()
    {
        Others = [new("ln_1.weight", HiddenSize), new("ln_1.bias", HiddenSize), new("ln_2.weight", HiddenSize), new("ln_2.bias", HiddenSize)],
        Linears =
        [
            new("attn.c_attn", HiddenSize, 3L * HiddenSize, true, true), new("attn.c_proj", HiddenSize, HiddenSize, true, true),
            new("mlp.c_fc", HiddenSize, inner, true, true), new("mlp.c_proj", inner, HiddenSize, true, true),
        ],
    };

    public override Variable Embed(LayerPass pass, Variable rows, Func<string, Variable> atPositions) => pass.Add(rows, atPositions(PositionEmbedding));

    public override Variable Block(LayerPass pass, int block, Variable x)
    {
        int width = HiddenSize / heads;
        Variable Conv1D(Variable input, string module) => pass.Linear(input, module, hasBias: true, transposed: true);
        Variable[] qkv = pass.Split(Conv1D(pass.LayerNorm(x, "ln_1.weight", "ln_1.bias", epsilon), "attn.c_attn"), HiddenSize, HiddenSize, HiddenSize);
        Variable y = pass.Attend(pass.Heads(qkv[0], width), pass.Heads(qkv[1], width), pass.Heads(qkv[2], width), new(1 / Math.Sqrt(width) / (scalesByDepth ? block + 1 : 1)));
        x = pass.Add(x, Conv1D(y, "attn.c_proj"));
        Variable h = pass.GeluTanh(Conv1D(pass.LayerNorm(x, "ln_2.weight", "ln_2.bias", epsilon), "mlp.c_fc"));
        return pass.Add(x, Conv1D(h, "mlp.c_proj"));
    }

    public override Variable FinalNorm(LayerPass pass, Variable x) => pass.LayerNorm(x, "ln_f.weight", "ln_f.bias", epsilon);
}
