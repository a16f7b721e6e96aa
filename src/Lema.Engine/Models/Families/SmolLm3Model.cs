using Lema.Engine.Models.Configuration;
using Lema.Engine.Models.Operations;

namespace Lema.Engine.Models.Families;

/// <summary>SmolLM3: Llama with blocks that have no positions (NoPE, Yang et al. 2025).</summary>
public sealed class SmolLm3Model(LlamaSettings settings, bool[] rotates, int?[] windows) : LlamaModel(settings)
{
    public new static DecoderModel Read(ConfigReader config)
    {
        config.MustBe("pretraining_tp", 1);
        bool bias = config.Flag("attention_bias", false);
        LlamaSettings settings = LlamaSettings.Read(config, theta: 2e6, tiedByDefault: true, keyHeads: 4) with { QkvBias = bias, OutputBias = bias, MlpBias = config.Flag("mlp_bias", false) };
        // 1 means that positions are used
        int[] flags = config.Ints("no_rope_layers");
        int interval = config.PositiveInt("no_rope_layer_interval", 4), blocks = settings.Dimensions.BlockCount;
        if (flags.Length > 0 && flags.Length != blocks) config.Problem("no_rope_layers", $"has {flags.Length} entries for {blocks} layers.");
        bool[] rotates = flags.Length > 0 ? [.. flags.Select(flag => flag != 0)] : [.. Enumerable.Range(0, blocks).Select(block => (block + 1) % interval != 0)];
        return new SmolLm3Model(settings, rotates, LayerTypes.OptionalWindows(config, null, block => !rotates[block]));
    }

    protected override RotarySettings? Rotary(int block) => rotates[block] ? base.Rotary(block) : null;

    protected override AttentionSettings Scores(int block) => base.Scores(block) with { Window = windows[block] };
}
