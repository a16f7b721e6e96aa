using System.Text.Json.Nodes;
using Lema.Engine.Adapters;
using Lema.Engine.Errors;
using Lema.Testing;

namespace Lema.Engine.Tests.Adapters;

public sealed class AdapterConfigTests : IDisposable
{
    private const string Least = """{"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":["q_proj","v_proj"]}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_TheLeastThatPeftWrites_HasItsDefaults()
    {
        LoraSettings lora = Read();
        Assert.Equal((4, 8, 0.0, false, false), (lora.R, lora.Alpha, lora.Dropout, lora.UseDora, lora.UseRslora));
        Assert.Equal(["q_proj", "v_proj"], lora.TargetModules);
        Assert.Null(lora.TargetModulesRegex);
    }

    [Theory]
    [InlineData("target_modules", "\".*q_proj\"")]
    [InlineData("lora_alpha", "1e20")]
    [InlineData("layers_to_transform", "1")]
    [InlineData("layers_to_transform", "[0,2]")]
    [InlineData("init_lora_weights", "\"orthogonal\"")]
    [InlineData("init_lora_weights", "false")]
    [InlineData("exclude_modules", "[]")]
    [InlineData("trainable_token_indices", "null")]
    [InlineData("rank_pattern", "{\"q_proj\":2}")]
    [InlineData("alpha_pattern", "{\"q_proj\":2.5}")]
    [InlineData("modules_to_save", "[\"lm_head\"]")]
    public void Read_OfWhatWasWritten_GivesTheSameOptions(string key, string value)
    {
        LoraSettings before = Read(key, value);
        AdapterConfig.Write(_folder.Path, before, "base", before.TargetModules, fanInFanOut: false);
        LoraSettings after = AdapterConfig.Read(_folder.Path);
        Assert.Equal(JsonNode.Parse(System.Text.Json.JsonSerializer.Serialize(before))!.ToJsonString(), JsonNode.Parse(System.Text.Json.JsonSerializer.Serialize(after))!.ToJsonString());
    }

    [Theory]
    [InlineData("peft_type", "\"IA3\"")]
    [InlineData("bias", "\"all\"")]
    [InlineData("lora_bias", "true")]
    [InlineData("use_qalora", "true")]
    [InlineData("init_lora_weights", "\"pissa\"")]
    [InlineData("init_lora_weights", "7")]
    [InlineData("exclude_modules", "[\"q_proj\"]")]
    [InlineData("r", "0")]
    [InlineData("rank_pattern", "{\"q_proj\":0}")]
    [InlineData("new_option", "1")]
    public void Read_OfAnOptionThatIsNotImplemented_NamesIt(string key, string value) =>
        Assert.Contains(key, Assert.ThrowsAny<LemaException>(() => Read(key, value)).Message, StringComparison.Ordinal);

    [Fact]
    public void Read_WithoutTheFile_SaysWhatAnAdapterFolderHolds() =>
        Assert.Contains(AdapterConfig.FileName, Assert.Throws<NotFoundException>(() => AdapterConfig.Read(_folder.Path)).Message, StringComparison.Ordinal);

    [Fact]
    public void Write_OfAFractionAndADropout_KeepsThem()
    {
        AdapterConfig.Write(_folder.Path, new LoraSettings { Alpha = 2.5, Dropout = 0.1, TargetModules = ["q_proj"] }, "base", ["q_proj"], fanInFanOut: true);
        LoraSettings read = AdapterConfig.Read(_folder.Path);
        Assert.Equal((2.5, 0.1), (read.Alpha, read.Dropout));
    }

    private LoraSettings Read(string? key = null, string value = "")
    {
        JsonObject json = JsonNode.Parse(Least)!.AsObject();
        if (key is not null) json[key] = JsonNode.Parse(value);
        File.WriteAllText(_folder.File(AdapterConfig.FileName), json.ToJsonString());
        return AdapterConfig.Read(_folder.Path);
    }
}
