using Lema.Engine.Errors;
using Lema.Engine.Weights;
using TorchSharp;

namespace Lema.Engine.Tests.Weights;

public sealed class ModelPreparerTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("lema-prepare-").FullName;

    private string Source => Path.Combine(_root, "source");

    private string Output => Path.Combine(_root, "output");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Prepare_Shards_WritesOneFileInLayerOrderWithTheSameBytes()
    {
        WriteShards();
        PreparedModel prepared = ModelPreparer.Prepare(Source, Output, new PrepareOptions());
        GlobalBinaryIndex source = GlobalBinaryIndex.Open(Source), index = GlobalBinaryIndex.Open(Output);
        Assert.True(index.IsPrepared);
        Assert.Equal(
        [
            "model.embed_tokens.weight", "model.layers.2.input_layernorm.weight", "model.layers.2.self_attn.q_proj.weight", "model.layers.2.mlp.down_proj.weight",
            "model.layers.10.mlp.experts.2.w1.weight", "model.layers.10.mlp.experts.2.w2.weight", "model.layers.10.mlp.experts.10.w1.weight", "model.norm.weight", "lm_head.weight",
        ], index.Tensors.Select(tensor => tensor.Name));
        foreach (TensorEntry tensor in source.Tensors) Assert.Equal(Bytes(tensor), Bytes(index[tensor.Name]));
        Assert.Equal(0, index.Tensors[0].Offset % 4096);
        Assert.Equal("pt", index.Headers[0].Metadata["format"]);
        Assert.Equal(source.TotalBytes, prepared.Bytes);
        Assert.Equal(["config.json", "model.safetensors", "tokenizer.json"], Directory.GetFiles(Output).Select(Path.GetFileName).Order());
        Assert.Equal(["output", "source"], Directory.GetFileSystemEntries(_root).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Prepare_Twice_LeavesTheFirstAsItIs()
    {
        WriteShards();
        ModelPreparer.Prepare(Source, Output, new PrepareOptions());
        DateTime written = File.GetLastWriteTimeUtc(Path.Combine(Output, "model.safetensors"));
        ModelPreparer.Prepare(Source, Output, new PrepareOptions());
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(Output, "model.safetensors")));
        Assert.Throws<InvalidInputException>(() => ModelPreparer.Prepare(Source, Output, new PrepareOptions { ConvertToFp16 = true }));
    }

    [Fact]
    public void Prepare_Cancelled_LeavesNothingBehind()
    {
        WriteShards();
        using CancellationTokenSource stop = new();
        Assert.Throws<OperationCanceledException>(() => ModelPreparer.Prepare(Source, Output, new PrepareOptions(), new Stop(stop), stop.Token));
        Assert.Equal(["source"], Directory.GetFileSystemEntries(_root).Select(Path.GetFileName));
    }

    [Fact]
    public void Prepare_AfterAKill_ReplacesWhatWasLeft()
    {
        WriteShards();
        Directory.CreateDirectory(Path.Combine(_root, ".partial-output"));
        File.WriteAllText(Path.Combine(_root, ".partial-output", "model.safetensors"), "half");
        ModelPreparer.Prepare(Source, Output, new PrepareOptions());
        Assert.Equal(["output", "source"], Directory.GetFileSystemEntries(_root).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Prepare_ToFp16_ConvertsAndCountsUnderflow()
    {
        using var scope = torch.NewDisposeScope();
        WriteModel(("a.weight", torch.tensor(new[] { 1f, 1e-9f, -2.5f, 0f, float.NaN, float.PositiveInfinity })), ("b.ids", torch.tensor(new long[] { 7 })));
        File.WriteAllText(Path.Combine(Source, "config.json"), """{"torch_dtype":"float32"}""");
        PreparedModel prepared = ModelPreparer.Prepare(Source, Output, new PrepareOptions { ConvertToFp16 = true });
        Assert.Equal(1, prepared.UnderflowedValues);
        var tensors = SafetensorsFile.Load(Path.Combine(Output, "model.safetensors"));
        Assert.Equal(torch.ScalarType.Float16, tensors["a.weight"].dtype);
        Assert.Equal([1f, 0f, -2.5f, 0f, float.NaN, float.PositiveInfinity], tensors["a.weight"].@float().data<float>().ToArray());
        Assert.Equal(7, tensors["b.ids"].item<long>());
        Assert.Contains("float16", File.ReadAllText(Path.Combine(Output, "config.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void Prepare_ToFp16WithOverflow_IsRefusedNamingTheTensor()
    {
        using var scope = torch.NewDisposeScope();
        WriteModel(("fine", torch.ones(3)), ("wide", torch.tensor(new[] { 1e6f, 2f })));
        var error = Assert.Throws<InvalidInputException>(() => ModelPreparer.Prepare(Source, Output, new PrepareOptions { ConvertToFp16 = true }));
        Assert.Contains("'wide'", error.Message, StringComparison.Ordinal);
        Assert.False(Path.Exists(Output));
    }

    private void WriteModel(params (string Name, torch.Tensor Value)[] tensors)
    {
        Directory.CreateDirectory(Source);
        SafetensorsFile.Save(Path.Combine(Source, "model.safetensors"), tensors.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)));
    }

    private void WriteShards()
    {
        Directory.CreateDirectory(Source);
        string[][] shards =
        [
            ["lm_head.weight", "model.layers.10.mlp.experts.10.w1.weight", "model.layers.10.mlp.experts.2.w2.weight", "model.layers.2.mlp.down_proj.weight"],
            ["model.norm.weight", "model.layers.10.mlp.experts.2.w1.weight", "model.layers.2.self_attn.q_proj.weight", "model.layers.2.input_layernorm.weight", "model.embed_tokens.weight"],
        ];
        using var scope = torch.NewDisposeScope();
        for (int shard = 0; shard < shards.Length; shard++)
            SafetensorsFile.Save(Path.Combine(Source, $"part-{shard}.safetensors"), shards[shard].Select(name => KeyValuePair.Create(name, torch.rand(3, 5, dtype: torch.bfloat16))));
        string map = string.Join(",", shards.SelectMany((names, shard) => names.Select(name => $"\"{name}\":\"part-{shard}.safetensors\"")));
        File.WriteAllText(Path.Combine(Source, "model.safetensors.index.json"), "{\"metadata\":{},\"weight_map\":{" + map + "}}");
        File.WriteAllText(Path.Combine(Source, "config.json"), "{}");
        File.WriteAllText(Path.Combine(Source, "tokenizer.json"), "{}");
        File.WriteAllText(Path.Combine(Source, "pytorch_model.bin"), "pickle");
    }

    private static byte[] Bytes(TensorEntry tensor) => File.ReadAllBytes(tensor.File).AsSpan((int)tensor.Offset, (int)tensor.ByteCount).ToArray();

    private sealed class Stop(CancellationTokenSource source) : IProgress<ByteProgress>
    {
        public void Report(ByteProgress value) => source.Cancel();
    }
}
