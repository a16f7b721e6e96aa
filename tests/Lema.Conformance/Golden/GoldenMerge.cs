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
                comparison.Tensor("final", Prefix + name, merged.GetValueOrDefault(model.PublishedName(name)) ?? Fused(model, merged, name));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>transformers' fused parameter of the experts whose matrices the folder holds one by one.</summary>
    private static torch.Tensor Fused(DecoderModel model, Dictionary<string, torch.Tensor> merged, string name)
    {
        for (int block = 0; block < model.BlockCount; block++)
        {
            if (model.Parts(block) is not { Fused: { } fused, Experts.Count: var count } || !name.StartsWith(model.BlockPrefix(block) + fused.Parent, StringComparison.Ordinal)) continue;
            torch.Tensor Matrix(string format, int expert) => merged[model.BlockPrefix(block) + string.Format(null, format, expert) + ".weight"];
            bool gateUp = name.EndsWith("gate_up_proj", StringComparison.Ordinal);
            return torch.stack([.. Enumerable.Range(0, count).Select(e => gateUp ? torch.cat([Matrix(fused.Gate, e), Matrix(fused.Up, e)], 0) : Matrix(fused.Down, e))], 0);
        }
        throw new KeyNotFoundException(name);
    }
}
