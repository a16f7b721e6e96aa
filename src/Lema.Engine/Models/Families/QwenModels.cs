using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Configuration;
using Lema.Engine.Models.Operations;

namespace Lema.Engine.Models.Families;

/// <summary>Qwen 2 and 2.5: Llama with biases on queries, keys and values, and windows in some blocks if the config turns them on.</summary>
public class Qwen2Model(LlamaSettings settings, int?[] windows) : LlamaModel(settings)
{
    public new static DecoderModel Read(ConfigReader config) => new Qwen2Model(LlamaSettings.Read(config, keyHeads: 32) with { QkvBias = true }, Windows(config));

    protected static int?[] Windows(ConfigReader config)
    {
        int first = config.NonNegativeInt("max_window_layers", 28);
        return LayerTypes.OptionalWindows(config, 4096, block => block >= first);
    }

    protected override AttentionSettings Scores(int block) => base.Scores(block) with { Window = windows[block] };
}

/// <summary>Qwen 3: no biases, an RMS norm on each head of queries and keys before rotation.</summary>
public class Qwen3Model(LlamaSettings settings, int?[] windows) : Qwen2Model(settings, windows)
{
    public new static DecoderModel Read(ConfigReader config) => new Qwen3Model(ReadSettings(config, 32), Windows(config));

    protected static LlamaSettings ReadSettings(ConfigReader config, int keyHeads)
    {
        bool bias = config.Flag("attention_bias", false);
        return LlamaSettings.Read(config, headWidth: 128, keyHeads: keyHeads) with { QkvBias = bias, OutputBias = bias };
    }

    protected override IReadOnlyList<ParameterSpec> Norms(int block) =>
        [.. base.Norms(block), new("self_attn.q_norm.weight", Heads.Width), new("self_attn.k_norm.weight", Heads.Width)];

    protected override Variable NormHeads(LayerPass pass, Variable heads, string name) => Norm(pass, heads, $"self_attn.{name}.weight");
}
