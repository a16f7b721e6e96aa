using System.Text.Json;
using Lema.Engine.Adapters;
using Lema.Engine.Errors;
using Lema.Engine.Merging;
using Lema.Engine.Models;
using Lema.Engine.Training;
using Lema.Engine.Weights;
using Lema.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace Lema.Engine.Tests.Merging;

public sealed class AdapterMergerTests : IDisposable
{
    private const string Query = "model.layers.1.self_attn.q_proj", Norm = "model.norm.weight", Embedding = "model.embed_tokens.weight";

    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Merge_ToFloat32_IsBasePlusScaledProduct()
    {
        string adapter = Adapter(new LoraSettings { R = 4, Alpha = 8, TargetModules = ["q_proj", "down_proj"] });
        IReadOnlyDictionary<string, Tensor> merged = Merge(adapter, MergeDtype.Float32), stored = SafetensorsFile.Load(Path.Combine(adapter, "adapter_model.safetensors")), original = Base();
        Tensor product = stored[$"base_model.model.{Query}.lora_B.weight"].mm(stored[$"base_model.model.{Query}.lora_A.weight"]).mul(2);
        Assert.True(merged[Query + ".weight"].allclose(original[Query + ".weight"].to(ScalarType.Float32).add(product), 1e-6, 1e-7));
        Assert.True(Same(merged[Norm], original[Norm].to(ScalarType.Float32)));
        Assert.Equal(original.Keys.Order(), merged.Keys.Order());
        Assert.All(merged.Values, tensor => Assert.Equal(ScalarType.Float32, tensor.dtype));
    }

    [Fact]
    public void Merge_ToBaseType_IsTheFloat32MergeRoundedOnce()
    {
        string adapter = Adapter(new LoraSettings { R = 8, Alpha = 16 });
        IReadOnlyDictionary<string, Tensor> rounded = Merge(adapter, MergeDtype.Base), exact = Merge(adapter, MergeDtype.Float32, "exact");
        foreach ((string name, Tensor tensor) in rounded)
        {
            Assert.Equal(ScalarType.BFloat16, tensor.dtype);
            Assert.True(Same(tensor, exact[name].to(ScalarType.BFloat16)), name);
        }
    }

    [Fact]
    public void Merge_OfDora_ScalesEachOutput()
    {
        string adapter = Adapter(new LoraSettings { R = 4, Alpha = 8, TargetModules = ["q_proj"], UseDora = true });
        IReadOnlyDictionary<string, Tensor> merged = Merge(adapter, MergeDtype.Float32), stored = SafetensorsFile.Load(Path.Combine(adapter, "adapter_model.safetensors"));
        Tensor norms = merged[Query + ".weight"].square().sum(1).sqrt();
        Assert.True(norms.allclose(stored[$"base_model.model.{Query}.lora_magnitude_vector"].abs(), 1e-5, 1e-6));
    }

    [Theory]
    [InlineData(MergeDtype.Float32, 1e-3)]
    [InlineData(MergeDtype.Base, 0.5)]
    public void Merge_OfModel_ComputesWhatBaseAndAdapterCompute(MergeDtype dtype, double tolerance)
    {
        string adapter = Adapter(new LoraSettings { R = 8, Alpha = 16 });
        Merge(adapter, dtype);
        using LanguageModel apart = TinyModel.Open(TinyModel.Folder, Precision.Fp32, ModelOptions.FromFolder(adapter)), together = TinyModel.Open(_folder.File("merged"));
        Assert.InRange(Logits(apart).sub(Logits(together)).abs().max().item<float>(), 0, tolerance);
    }

    [Fact]
    public void Merge_OfTrainedEmbedding_UntiesTheHead()
    {
        string adapter = Adapter(new LoraSettings { R = 4, TargetModules = ["q_proj"], ModulesToSave = ["embed_tokens"] });
        IReadOnlyDictionary<string, Tensor> merged = Merge(adapter, MergeDtype.Base), original = Base();
        Assert.True(Same(merged["lm_head.weight"], original[Embedding]));
        Assert.False(Same(merged[Embedding], original[Embedding]));
        Assert.False(Json("config.json").GetProperty("tie_word_embeddings").GetBoolean());
        using LanguageModel apart = TinyModel.Open(TinyModel.Folder, Precision.Fp32, ModelOptions.FromFolder(adapter)), together = TinyModel.Open(_folder.File("merged"));
        Assert.InRange(Logits(apart).sub(Logits(together)).abs().max().item<float>(), 0, 0.5);
    }

    [Fact]
    public void Merge_OfFullFineTuning_TakesTheTrainedParameters()
    {
        string checkpoint = _folder.File("checkpoint-1");
        Directory.CreateDirectory(checkpoint);
        Tensor norm = linspace(0.5, 1.5, 256), query = randn(256, 256);
        SafetensorsFile.Save(Path.Combine(checkpoint, "masters.safetensors"), [new(Norm, norm), new(Query + ".weight", query)]);
        IReadOnlyDictionary<string, Tensor> merged = Merge(checkpoint, MergeDtype.Base), original = Base();
        Assert.True(Same(merged[Norm], norm.to(ScalarType.BFloat16)));
        Assert.True(Same(merged[Query + ".weight"], query.to(ScalarType.BFloat16)));
        Assert.True(Same(merged[Embedding], original[Embedding]));
    }

    [Fact]
    public void Merge_BeyondShardSize_WritesShardsWithIndex()
    {
        string adapter = Adapter(new LoraSettings { R = 4, TargetModules = ["q_proj"] });
        AdapterMerger.Merge(TinyModel.Folder, adapter, _folder.File("merged"), new MergeOptions(MergeDtype.Base, ShardBytes: 2_000_000));
        Dictionary<string, string> map = Json("model.safetensors.index.json").GetProperty("weight_map").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!);
        Assert.Equal(Base().Keys.Order(), map.Keys.Order());
        Assert.Contains("model-00001-of-00004.safetensors", map.Values);
        Assert.Equal(GlobalBinaryIndex.Open(TinyModel.Folder).TotalBytes, Json("model.safetensors.index.json").GetProperty("metadata").GetProperty("total_size").GetInt64());
        Assert.Equal(map.Count, GlobalBinaryIndex.Open(_folder.File("merged")).Tensors.Count);
    }

    [Theory]
    [InlineData(MergeDtype.Base, "bfloat16")]
    [InlineData(MergeDtype.Float32, "float32")]
    public void Merge_OfFolder_BringsConfigAndTokenizer(MergeDtype dtype, string name)
    {
        Merge(Adapter(new LoraSettings { R = 4, TargetModules = ["q_proj"] }), dtype);
        Assert.Equal(name, (Json("config.json").TryGetProperty("dtype", out JsonElement value) ? value : Json("config.json").GetProperty("torch_dtype")).GetString());
        foreach (string file in (string[])["generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]) Assert.True(File.Exists(_folder.File("merged/" + file)), file);
        Assert.Equal(new Dictionary<string, string> { ["format"] = "pt" }, SafetensorsHeader.Read(_folder.File("merged/model.safetensors")).Metadata);
    }

    [Fact]
    public void Merge_OfChatTemplate_WritesItBothWays()
    {
        string withTemplate = CopyOfBase("inline");
        File.WriteAllText(Path.Combine(withTemplate, "tokenizer_config.json"), "{\"chat_template\":\"{{ '<a>' }}\\n\",\"eos_token\":\"<|endoftext|>\"}");
        string adapter = Adapter(new LoraSettings { R = 4, TargetModules = ["q_proj"] });
        AdapterMerger.Merge(withTemplate, adapter, _folder.File("merged"), new MergeOptions());
        Assert.Equal("{{ '<a>' }}\n", File.ReadAllText(_folder.File("merged/chat_template.jinja")));

        File.WriteAllText(Path.Combine(withTemplate, "chat_template.jinja"), "{{ 'newer' }}");
        AdapterMerger.Merge(withTemplate, adapter, _folder.File("second"), new MergeOptions());
        Assert.Contains("newer", File.ReadAllText(_folder.File("second/tokenizer_config.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void Merge_Cancelled_LeavesNothing()
    {
        string adapter = Adapter(new LoraSettings { R = 4, TargetModules = ["q_proj"] });
        using CancellationTokenSource stop = new();
        Assert.Throws<OperationCanceledException>(() =>
            AdapterMerger.Merge(TinyModel.Folder, adapter, _folder.File("merged"), new MergeOptions(), new OnReport(stop.Cancel), stop.Token));
        Assert.Equal(["adapter"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Merge_CheckpointIsPrunedMeanwhile_GoesOnWithIt(bool full)
    {
        string checkpoint = _folder.File("checkpoint-1");
        if (full)
        {
            Directory.CreateDirectory(checkpoint);
            SafetensorsFile.Save(Path.Combine(checkpoint, "masters.safetensors"), [new(Norm, linspace(0.5, 1.5, 256)), new(Query + ".weight", randn(256, 256))]);
        }
        else Directory.Move(Adapter(new LoraSettings { R = 4, TargetModules = ["q_proj"] }), checkpoint);
        AdapterMerger.Merge(TinyModel.Folder, checkpoint, _folder.File("expected"), new MergeOptions());

        void Prune()
        {
            if (Directory.Exists(checkpoint)) Directory.Delete(checkpoint, recursive: true);
        }

        AdapterMerger.Merge(TinyModel.Folder, checkpoint, _folder.File("merged"), new MergeOptions(), new OnReport(Prune));
        Assert.False(Directory.Exists(checkpoint));
        Assert.Equal(File.ReadAllBytes(_folder.File("expected/model.safetensors")), File.ReadAllBytes(_folder.File("merged/model.safetensors")));
    }

    [Fact]
    public void Merge_OntoUsedFolder_Refuses()
    {
        string adapter = Adapter(new LoraSettings { R = 4, TargetModules = ["q_proj"] });
        Assert.Throws<InvalidInputException>(() => AdapterMerger.Merge(TinyModel.Folder, adapter, adapter, new MergeOptions()));
        Assert.True(File.Exists(Path.Combine(adapter, "adapter_config.json")));
    }

    [Fact]
    public void Merge_OfAnotherModelsAdapter_Throws()
    {
        string other = Adapter(new LoraSettings { R = 4, TargetModules = ["q_proj"] });
        SafetensorsFile.Save(Path.Combine(other, "adapter_model.safetensors"),
            SafetensorsFile.Load(Path.Combine(other, "adapter_model.safetensors")).Select(pair => KeyValuePair.Create(pair.Key, pair.Value.narrow(0, 0, 2).contiguous())));
        Assert.ThrowsAny<LemaException>(() => AdapterMerger.Merge(TinyModel.Folder, other, _folder.File("merged"), new MergeOptions()));
        Assert.False(Directory.Exists(_folder.File("merged")));
    }

    /// <summary>An adapter of seeded random values for the embedded model.</summary>
    private string Adapter(LoraSettings settings)
    {
        using torch.Generator random = new(7);
        DecoderModel model = ModelFamilies.Read(TinyModel.Folder);
        using AdapterWeights weights = new AdapterFactory(model, settings, target => target.Role == AdapterTensorRole.Magnitude
            ? rand([.. target.Shape], generator: random).add(0.5)
            : randn([.. target.Shape], generator: random).mul(0.05)).Create();
        string folder = _folder.File("adapter");
        Directory.CreateDirectory(folder);
        AdapterFolder.Save(folder, weights, settings, model, "lema-tiny");
        return folder;
    }

    private IReadOnlyDictionary<string, Tensor> Merge(string adapter, MergeDtype dtype, string output = "merged")
    {
        AdapterMerger.Merge(TinyModel.Folder, adapter, _folder.File(output), new MergeOptions(dtype));
        return SafetensorsFile.Load(_folder.File(output + "/model.safetensors"));
    }

    private static bool Same(Tensor one, Tensor other) => one.dtype == other.dtype && one.eq(other).all().item<bool>();

    private static IReadOnlyDictionary<string, Tensor> Base() => SafetensorsFile.Load(Path.Combine(TinyModel.Folder, "model.safetensors"));

    private JsonElement Json(string file) => JsonDocument.Parse(File.ReadAllBytes(_folder.File("merged/" + file))).RootElement;

    private string CopyOfBase(string name)
    {
        string copy = _folder.File(name);
        Directory.CreateDirectory(copy);
        foreach (string file in Directory.EnumerateFiles(TinyModel.Folder)) File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        return copy;
    }

    private static Tensor Logits(LanguageModel model)
    {
        using var noGrad = no_grad();
        using TokenBatch batch = new([.. Enumerable.Range(0, 40).Select(i => i * 71L % 3072)], [40]);
        return new OutputHead(model).AllLogits(model.Normalize(batch, model.Forward(batch)).Value);
    }

    private sealed class OnReport(Action action) : IProgress<ByteProgress>
    {
        public void Report(ByteProgress value) => action();
    }
}
