using Lema.Engine.Errors;
using Lema.Engine.Models;
using Lema.Engine.Streaming;
using Lema.Engine.Weights;
using static TorchSharp.torch;

namespace Lema.Engine.Adapters;

/// <summary>A PEFT adapter folder: adapter_config.json and adapter_model.safetensors.</summary>
public static class AdapterFolder
{
    public const string WeightsName = "adapter_model.safetensors";

    /// <summary>Reads an adapter onto a model.</summary>
    /// <exception cref="LemaException">A file is missing or broken, a tensor is missing, has another shape, or belongs to no module of the model.</exception>
    public static AdapterWeights Load(string folder, DecoderModel model) => Load(folder, model, AdapterConfig.Read(folder));

    /// <inheritdoc cref="Load(string, DecoderModel)"/>
    /// <param name="settings">Options to use in place of the folder's own, such as another dropout.</param>
    public static AdapterWeights Load(string folder, DecoderModel model, LoraSettings settings)
    {
        using PositionalFile reader = PositionalFile.Open(RequireWeights(folder));
        return Make(folder, model, settings, (target, stored) => new TrainedParameter(target.Key, target.Layer, SafetensorsFile.Load(reader, stored).to(ScalarType.Float32)));
    }

    /// <summary>The same without its values, each of which is read when it is used.</summary>
    /// <inheritdoc cref="Load(string, DecoderModel)"/>
    /// <param name="files">Has to live as long as the result.</param>
    internal static AdapterWeights Open(string folder, DecoderModel model, ModelFiles files) =>
        Make(folder, model, AdapterConfig.Read(folder), (target, stored) => new TrainedParameter(target.Key, target.Layer, stored, files));

    private static string RequireWeights(string folder)
    {
        string file = Path.Combine(folder, WeightsName);
        return File.Exists(file) ? file : throw new NotFoundException("adapter weights", file, $"A PEFT adapter folder holds {WeightsName}; pickled adapters are not read.");
    }

    private static AdapterWeights Make(string folder, DecoderModel model, LoraSettings settings, Func<AdapterTensor, TensorEntry, TrainedParameter> make)
    {
        string file = RequireWeights(folder);
        Dictionary<string, TensorEntry> tensors = TensorEntries.Of(SafetensorsHeader.Read(file)).ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        HashSet<string> used = [];
        AdapterWeights weights = new AdapterFactory(model, settings, target =>
        {
            used.Add(target.Key);
            if (!tensors.TryGetValue(target.Key, out TensorEntry? tensor)) throw new InvalidInputException(file, target.Key, "is missing; adapter_config.json asks for it.");
            if (!tensor.Shape.SequenceEqual(target.Shape))
                throw new InvalidInputException(file, target.Key, $"has shape [{string.Join(", ", tensor.Shape)}]; the model and adapter_config.json ask for [{string.Join(", ", target.Shape)}].");
            return make(target, tensor);
        }).Create();
        if (tensors.Keys.FirstOrDefault(key => !used.Contains(key)) is { } unknown)
        {
            weights.Dispose();
            throw new InvalidInputException(file, unknown, "belongs to no module that adapter_config.json adapts; leaving it out would change the result.");
        }
        return weights;
    }

    /// <summary>Writes an adapter so that PEFT loads it. Not atomic: the caller renames the folder into place.</summary>
    /// <param name="baseModel">Name or folder of the base model.</param>
    public static void Save(string folder, AdapterWeights weights, LoraSettings settings, DecoderModel model, string baseModel)
    {
        IReadOnlyList<TargetModule> targets = TargetModules.Find(model, settings);
        IEnumerable<string> names = settings.TargetModules is ["all-linear"] ? TargetModules.Names(model, settings, targets) : settings.TargetModules.Order(StringComparer.Ordinal);
        AdapterConfig.Write(folder, settings, baseModel, names, targets.Any(target => target.Linear.Transposed));
        SafetensorsFile.Save(Path.Combine(folder, WeightsName),
            weights.Parameters.OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Name, p.Value)));
    }
}
