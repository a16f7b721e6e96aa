using Lema.Engine.Errors;
using Lema.Engine.Models;
using Lema.Engine.Training;
using Lema.Engine.Weights;
using static TorchSharp.torch;

namespace Lema.Engine.Adapters;

/// <summary>What a folder holds that was trained on a base model: a PEFT adapter, or the float32 parameters of full fine-tuning.</summary>
public static class TrainedFolder
{
    /// <exception cref="LemaException">The folder is neither, a file is broken, or it does not fit the model.</exception>
    public static AdapterWeights Load(string folder, DecoderModel model)
    {
        string file = WeightsFile(folder);
        return Path.GetFileName(file) == AdapterFolder.WeightsName ? AdapterFolder.Load(folder, model) : LoadMasters(file, model);
    }

    /// <summary>Bytes that <see cref="Load"/> reads.</summary>
    public static long ByteCount(string folder) => new FileInfo(WeightsFile(folder)) is { Exists: true } file ? file.Length : 0;

    private static string WeightsFile(string folder)
    {
        string masters = Path.Combine(folder, TrainingCheckpoint.MastersName);
        return File.Exists(Path.Combine(folder, AdapterConfig.FileName)) || !File.Exists(masters) ? Path.Combine(folder, AdapterFolder.WeightsName) : masters;
    }

    private static AdapterWeights LoadMasters(string file, DecoderModel model)
    {
        using var scope = NewDisposeScope();
        IReadOnlyDictionary<string, Tensor> tensors = SafetensorsFile.Load(file);
        WholeParameter[] known = [.. WholeParameter.All(model).Where(parameter => tensors.ContainsKey(parameter.Name))];
        if (tensors.Keys.FirstOrDefault(name => known.All(parameter => parameter.Name != name)) is { } unknown)
            throw new InvalidInputException(file, unknown, "is no parameter of this model; the checkpoint belongs to another one");
        foreach (WholeParameter parameter in known)
        {
            if (!tensors[parameter.Name].shape.SequenceEqual(parameter.Shape))
                throw new InvalidInputException(file, parameter.Name, $"has shape [{string.Join(", ", tensors[parameter.Name].shape)}], the model's is [{string.Join(", ", parameter.Shape)}]");
        }
        return FullFineTuning.Create(model, parameter => tensors.ContainsKey(parameter.Name), parameter => tensors[parameter.Name].to(ScalarType.Float32).clone());
    }
}
