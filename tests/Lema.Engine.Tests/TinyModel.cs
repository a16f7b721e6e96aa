using Lema.Engine.Adapters;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Models;
using Lema.Engine.Training;
using Lema.Engine.Weights;

namespace Lema.Engine.Tests;

/// <summary>Models in the repository and in the reference data, opened with a budget that does not hold them.</summary>
internal static class TinyModel
{
    /// <summary>The embedded model's folder in the checkout.</summary>
    public static string Folder { get; } = FindFolder();

    public static Tokenizer Tokenizer => Tokenizer.Load(Folder);

    /// <summary>Opens a model folder with the smallest budget that will do.</summary>
    public static LanguageModel Open(string folder, Precision precision = Precision.Fp32, Func<DecoderModel, GlobalBinaryIndex, AdapterWeights>? adapters = null)
    {
        ModelUnits units = ModelUnits.Of(ModelFamilies.Read(folder), GlobalBinaryIndex.Open(folder));
        long largest = units.Units.Max(unit => unit.ByteCount + 64 * unit.Slices.Count);
        return LanguageModel.Open(folder, new ModelOptions { Precision = precision, WeightBytes = 2 * (largest + 4096), Adapters = adapters });
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
