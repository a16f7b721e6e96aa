using Lema.Engine.Models;
using Lema.Testing;

namespace Lema.Engine.Tests.Models;

public sealed class WholeParameterTests
{
    [Fact]
    public void All_OfLfm2Moe_LeavesOutTheBiasThatTransformersHoldsAsABuffer()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("config.json"), """
            { "model_type": "lfm2_moe", "vocab_size": 32, "hidden_size": 16, "intermediate_size": 24, "moe_intermediate_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
              "num_key_value_heads": 1, "num_dense_layers": 1, "num_experts": 4, "num_experts_per_tok": 2, "layer_types": ["conv", "full_attention"] }
            """);
        DecoderModel model = ModelFamilies.Read(folder.Path);
        const string Bias = "feed_forward.expert_bias";
        Assert.DoesNotContain(WholeParameter.All(model), parameter => parameter.Name.EndsWith(Bias, StringComparison.Ordinal));
        Assert.Contains(WholeParameter.All(model), parameter => parameter.Name == "model.layers.1.feed_forward.gate.weight");
        Assert.Contains(model.Parts(1).Streamed(), parameter => parameter.Suffix == Bias);
    }
}
