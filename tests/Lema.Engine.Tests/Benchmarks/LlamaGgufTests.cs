using System.Text.Json.Nodes;
using Lema.Bench.Peers;
using Lema.Engine.Errors;
using Lema.Testing;

namespace Lema.Engine.Tests.Benchmarks;

/// <summary>The file that the decoding benchmark gives to llama.cpp.</summary>
public sealed class LlamaGgufTests
{
    private static readonly string Tiny = Path.Combine(Repository.Folder, "assets", "lema-tiny");

    [Fact]
    public void Write_LemaTiny_EqualsTheConvertersFileByteForByte()
    {
        string? expected = ReferenceData.TryPath("golden", "gguf", "lema-tiny.bf16.gguf");
        if (expected is null) Assert.Skip(ReferenceData.SkipMessage);
        using TemporaryFolder folder = new();
        LlamaGguf.Write(Tiny, "lema-tiny", folder.File("model.gguf"));
        Assert.Equal(File.ReadAllBytes(expected), File.ReadAllBytes(folder.File("model.gguf")));
    }

    [Theory]
    [InlineData("model_type", "\"qwen2\"", "only llama models")]
    [InlineData("rope_scaling", """{"rope_type": "linear", "factor": 2.0}""", "scaled rotary positions")]
    [InlineData("mlp_bias", "true", "biases")]
    public void Write_WhatLlamaCppWouldComputeOtherwise_IsRefused(string field, string value, string problem)
    {
        using TemporaryFolder folder = new();
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(Tiny, "config.json")))!;
        config[field] = JsonNode.Parse(value);
        File.WriteAllText(folder.File("config.json"), config.ToJsonString());
        InvalidInputException error = Assert.Throws<InvalidInputException>(() => LlamaGguf.Write(folder.Path, "refused", folder.File("model.gguf")));
        Assert.Equal(field, error.Place);
        Assert.Contains(problem, error.Problem, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.File("model.gguf")));
    }
}
