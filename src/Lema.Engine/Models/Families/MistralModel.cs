using Lema.Engine.Models.Configuration;
using Lema.Engine.Models.Operations;

namespace Lema.Engine.Models.Families;

/// <summary>Mistral (Jiang et al. 2023): Llama with a sliding window over the keys.</summary>
public sealed class MistralModel(LlamaSettings settings, int? window) : LlamaModel(settings)
{
    public new static DecoderModel Read(ConfigReader config) => new MistralModel(LlamaSettings.Read(config, keyHeads: 8), LayerTypes.Window(config, 4096));

    protected override AttentionSettings Scores(int block) => base.Scores(block) with { Window = window };
}
