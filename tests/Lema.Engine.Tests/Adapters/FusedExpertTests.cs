using Lema.Engine.Adapters;
using Lema.Engine.Errors;
using Lema.Engine.Models;
using Lema.Testing;
using static TorchSharp.torch;

namespace Lema.Engine.Tests.Adapters;

public sealed class FusedExpertTests
{
    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 0.1)]
    public void Create_OfFusedExpertsWithAnOptionForLinearModules_IsRefused(bool dora, double dropout)
    {
        LoraSettings settings = new() { TargetModules = ["q_proj"], TargetParameters = ["mlp.experts.down_proj"], UseDora = dora, Dropout = dropout };
        Assert.Contains("targetParameters", Assert.Throws<InvalidInputException>(() => Create(settings)).Message, StringComparison.Ordinal);
        Create(settings with { UseDora = false, Dropout = 0 });
    }

    private static void Create(LoraSettings settings)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("config.json"), """
            { "model_type": "mixtral", "vocab_size": 32, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1,
              "num_local_experts": 2 }
            """);
        new AdapterFactory(ModelFamilies.Read(folder.Path), settings, target => zeros([.. target.Shape])).Create().Dispose();
    }
}
