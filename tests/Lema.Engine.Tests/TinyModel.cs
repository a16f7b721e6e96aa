using Lema.Engine.Adapters;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Models;
using Lema.Engine.Streaming;
using Lema.Engine.Weights;
using static TorchSharp.torch;

namespace Lema.Engine.Tests;

/// <summary>Models in the repository and in the reference data, opened with a budget that does not hold them.</summary>
internal static class TinyModel
{
    /// <summary>The embedded model's folder in the checkout.</summary>
    public static string Folder { get; } = FindFolder();

    public static Tokenizer Tokenizer => Tokenizer.Load(Folder);

    /// <summary>Opens a model folder, streamed.</summary>
    public static LanguageModel Open(string folder, AdapterWeights? adapters = null, ScalarType computeType = ScalarType.Float32)
    {
        DecoderModel architecture = ModelFamilies.Read(folder);
        GlobalBinaryIndex index = GlobalBinaryIndex.Open(folder);
        ModelUnits units = new(architecture, folder, index.Tensors.ToDictionary(tensor => tensor.Name), headTileBytes: 1 << 20);
        long largest = units.Units.Max(unit => unit.ByteCount + 64 * unit.Slices.Count);
        IWeightStream stream = WeightStream.Open(units.Units, new WeightStreamOptions { BudgetBytes = 2 * (largest + 4096) });
        return new LanguageModel(architecture, units, stream, adapters ?? AdapterWeights.None, computeType);
    }

    private static string FindFolder()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Lema.sln"))) return Path.Combine(folder.FullName, "assets", "lema-tiny");
        }
        throw new InvalidOperationException("The tests run outside a checkout.");
    }
}
