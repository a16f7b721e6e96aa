using System.Text.Json;
using Lema.Engine.Adapters;
using Lema.Engine.Models;
using Lema.Engine.Weights;
using TorchSharp;

namespace Lema.Conformance.Golden;

/// <summary>The files that training leaves behind: the final adapter as PEFT writes it.</summary>
public sealed class GoldenArtifacts(GoldenCase golden, Comparison comparison)
{
    public void Run(LanguageModel model)
    {
        string reference = Path.Combine(golden.Folder, "adapter-final"), folder = Directory.CreateTempSubdirectory("lema-golden").FullName;
        try
        {
            AdapterFolder.Save(folder, model.Adapters, AdapterConfig.Read(Path.Combine(golden.Folder, "adapter")), model.Architecture, Path.GetFileName(golden.Folder));
            Weights(reference, folder);
            Config(reference, folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private void Weights(string reference, string folder)
    {
        SafetensorsHeader ours = SafetensorsHeader.Read(Path.Combine(folder, AdapterFolder.WeightsName)), theirs = SafetensorsHeader.Read(Path.Combine(reference, AdapterFolder.WeightsName));
        static string[] Describe(SafetensorsHeader header) => [.. header.Tensors.Select(t => $"{t.Name} {t.Dtype} [{string.Join(",", t.Shape)}]").Order(StringComparer.Ordinal)];
        comparison.Equal("adapter tensors", Describe(ours), Describe(theirs));
        comparison.True("adapter metadata differs", ours.Metadata.Count == theirs.Metadata.Count && ours.Metadata.All(pair => theirs.Metadata.GetValueOrDefault(pair.Key) == pair.Value));
        IReadOnlyDictionary<string, torch.Tensor> expected = SafetensorsFile.Load(theirs);
        foreach ((string key, torch.Tensor tensor) in SafetensorsFile.Load(ours).Where(pair => expected.ContainsKey(pair.Key))) comparison.Tensor("final", $"adapter-final {key}", tensor, expected[key]);
    }

    private void Config(string reference, string folder)
    {
        Dictionary<string, string> Fields(string where)
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(where, AdapterConfig.FileName)));
            return document.RootElement.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.ValueKind == JsonValueKind.Array
                ? string.Join(",", p.Value.EnumerateArray().Select(v => v.GetRawText()).Order(StringComparer.Ordinal))
                : p.Value.ValueKind == JsonValueKind.Null ? "" : JsonSerializer.Serialize(p.Value));
        }
        Dictionary<string, string> ours = Fields(folder), theirs = Fields(reference);
        // Nothing and an empty list are the same to PEFT, which writes either. Which version of PEFT and which options it has grown are its own matter; what both know has to agree.
        foreach ((string key, string value) in theirs.Where(pair => pair.Key is not ("peft_version" or "base_model_name_or_path")))
            comparison.True($"adapter_config.json: {key} is {ours.GetValueOrDefault(key, "missing")}, expected {value}", ours.TryGetValue(key, out string? mine) && mine == value);
    }
}
