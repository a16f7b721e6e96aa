using System.Text.Json.Nodes;
using Lema.Engine.Errors;
using Lema.Engine.Models;
using Lema.Testing;

namespace Lema.Engine.Tests.Models;

public sealed class ConfigRefusalTests
{
    [Theory]
    [InlineData("model_type", "\"rwkv\"", "model_type")]
    [InlineData("hidden_act", "\"relu\"", "hidden_act")]
    [InlineData("num_key_value_heads", "3", "num_key_value_heads")]
    [InlineData("hidden_size", "-1", "hidden_size")]
    [InlineData("rms_norm_eps", "\"small\"", "rms_norm_eps")]
    [InlineData("rope_scaling", "{\"type\":\"spiral\",\"factor\":2}", "spiral")]
    [InlineData("partial_rotary_factor", "0.5", "partial_rotary_factor")]
    [InlineData("rope_interleaved", "true", "rope_interleaved")]
    [InlineData("rope_scaling", "{\"rope_type\":\"yarn\",\"factor\":2,\"beta_medium\":3}", "beta_medium")]
    [InlineData("pretraining_tp", "2", "pretraining_tp")]
    [InlineData("attention_multiplier", "0.5", "attention_multiplier")]
    [InlineData("quantization_config", "{\"bits\":4}", "quantization_config")]
    public void Read_AFieldThatChangesTheResult_IsRefusedByName(string key, string value, string named)
    {
        using TemporaryFolder folder = new();
        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(TinyModel.Folder, "config.json")))!.AsObject();
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(Path.Combine(folder.Path, "config.json"), config.ToJsonString());
        LemaException refusal = Assert.ThrowsAny<LemaException>(() => ModelFamilies.Read(folder.Path));
        Assert.Contains(named, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("config.json", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_AFolderWithoutConfig_SaysWhatAModelFolderIs()
    {
        using TemporaryFolder folder = new();
        Assert.Contains("config.json", Assert.Throws<NotFoundException>(() => ModelFamilies.Read(folder.Path)).Message, StringComparison.Ordinal);
    }
}
