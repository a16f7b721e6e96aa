using Lema.Engine.Errors;
using Lema.Engine.Models;
using Lema.Engine.Streaming;
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
        if (IsAdapter(file)) return AdapterFolder.Load(folder, model);
        using PositionalFile reader = PositionalFile.Open(file);
        return Masters(file, model, (parameter, stored) => new TrainedParameter(parameter.Name, parameter.Layer, SafetensorsFile.Load(reader, stored).to(ScalarType.Float32)));
    }

    /// <summary>The same without its values, each of which is read when it is used.</summary>
    /// <inheritdoc cref="Load"/>
    /// <param name="files">Has to live as long as the result.</param>
    internal static AdapterWeights Open(string folder, DecoderModel model, ModelFiles files)
    {
        string file = WeightsFile(folder);
        // Held open from now on: a run may drop the checkpoint while it is worked on.
        _ = files[file];
        _ = files.Direct(file);
        return IsAdapter(file)
            ? AdapterFolder.Open(folder, model, files)
            : Masters(file, model, (parameter, stored) => new TrainedParameter(parameter.Name, parameter.Layer, stored, files));
    }

    /// <summary>Bytes that <see cref="Load"/> reads.</summary>
    public static long ByteCount(string folder) => new FileInfo(WeightsFile(folder)) is { Exists: true } file ? file.Length : 0;

    private static string WeightsFile(string folder)
    {
        string masters = Path.Combine(folder, TrainingCheckpoint.MastersName);
        return File.Exists(Path.Combine(folder, AdapterConfig.FileName)) || !File.Exists(masters) ? Path.Combine(folder, AdapterFolder.WeightsName) : masters;
    }

    private static bool IsAdapter(string weightsFile) => Path.GetFileName(weightsFile) == AdapterFolder.WeightsName;

    private static AdapterWeights Masters(string file, DecoderModel model, Func<WholeParameter, TensorEntry, TrainedParameter> make)
    {
        Dictionary<string, TensorEntry> tensors = TensorEntries.Of(SafetensorsHeader.Read(file)).ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        WholeParameter[] known = [.. WholeParameter.All(model).Where(parameter => tensors.ContainsKey(parameter.Name))];
        if (tensors.Keys.FirstOrDefault(name => known.All(parameter => parameter.Name != name)) is { } unknown)
            throw new InvalidInputException(file, unknown, "is no parameter of this model; the checkpoint belongs to another one");
        foreach (WholeParameter parameter in known)
        {
            if (!tensors[parameter.Name].Shape.SequenceEqual(parameter.Shape))
                throw new InvalidInputException(file, parameter.Name, $"has shape [{string.Join(", ", tensors[parameter.Name].Shape)}], the model's is [{string.Join(", ", parameter.Shape)}]");
        }
        return FullFineTuning.Create(model, parameter => tensors.ContainsKey(parameter.Name), parameter => make(parameter, tensors[parameter.Name]));
    }
}
