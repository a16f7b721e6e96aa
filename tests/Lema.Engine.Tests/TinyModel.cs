using Lema.Engine.Adapters;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;
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
        LanguageModel Open(long weightBytes) => LanguageModel.Open(folder, new ModelOptions { Precision = precision, WeightBytes = weightBytes, Adapters = adapters });
        try
        {
            return Open(1);
        }
        catch (BudgetExceededException refusal)
        {
            return Open(refusal.RequiredBytes);
        }
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
