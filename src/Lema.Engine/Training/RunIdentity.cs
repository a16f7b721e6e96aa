using System.Security.Cryptography;
using System.Text.Json;
using Lema.Engine.Errors;
using Lema.Engine.Weights;

namespace Lema.Engine.Training;

/// <summary>Hashes of what a run was made from, so that it is not resumed on something else.</summary>
/// <param name="BaseModel">Name of the base model for the adapter's config.</param>
public sealed record RunIdentity(string BaseModel, string ModelSha256, string DatasetSha256, GlobalBinaryIndex Index)
{
    private const string FileName = "run_identity.json";

    public static RunIdentity Of(string modelFolder, GlobalBinaryIndex index, string datasetFile)
    {
        using FileStream dataset = File.OpenRead(datasetFile);
        return new(Path.GetFileName(Path.TrimEndingDirectorySeparator(modelFolder)), index.HeaderSha256, Convert.ToHexStringLower(SHA256.HashData(dataset)), index);
    }

    public void Write(string folder) => File.WriteAllText(
        Path.Combine(folder, FileName),
        JsonSerializer.Serialize(new Dictionary<string, string> { ["model_sha256"] = ModelSha256, ["dataset_sha256"] = DatasetSha256 }) + "\n");

    /// <exception cref="InvalidInputException">The checkpoint was made from another model or dataset.</exception>
    public void RequireSame(string folder)
    {
        string file = Path.Combine(folder, FileName);
        Dictionary<string, string> saved = JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllText(file)) ?? [];
        if (saved.GetValueOrDefault("model_sha256") != ModelSha256)
            throw new InvalidInputException(file, "model_sha256", "the base model is not the one that the checkpoint was made from; put that one back or start a new run.");
        if (saved.GetValueOrDefault("dataset_sha256") != DatasetSha256)
            throw new InvalidInputException(file, "dataset_sha256", "the dataset is not the one that the checkpoint was made from; put that one back or start a new run.");
    }
}
