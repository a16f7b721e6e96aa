using Lema.Engine.Merging;
using Lema.Engine.Models;
using Lema.Engine.Weights;
using TorchSharp;

namespace Lema.Conformance.Golden;

/// <summary>The reference's final adapter merged into the base in float32, as a folder, against W + delta of PEFT.</summary>
public sealed class GoldenMerge(GoldenCase golden, Comparison comparison)
{
    private const string Prefix = "merged.";

    public void Run(DecoderModel model)
    {
        using var scope = torch.NewDisposeScope();
        string folder = Directory.CreateTempSubdirectory("lema-golden").FullName;
        try
        {
            AdapterMerger.Merge(golden.Folder, Path.Combine(golden.Folder, "adapter-final"), folder, new MergeOptions(MergeDtype.Float32));
            Dictionary<string, torch.Tensor> merged = SafetensorsFile.Load(Path.Combine(folder, "model.safetensors")).ToDictionary(pair => model.PublishedName(pair.Key), pair => pair.Value);
            foreach (string name in golden.Expected.Keys.Where(key => key.StartsWith(Prefix, StringComparison.Ordinal)).Select(key => key[Prefix.Length..]))
                comparison.Tensor("final", Prefix + name, new TransformersNames(model).Find(merged, name));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
