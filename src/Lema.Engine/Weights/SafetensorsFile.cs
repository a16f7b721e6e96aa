using Lema.Engine.Errors;
using TorchSharp;

namespace Lema.Engine.Weights;

/// <summary>A whole .safetensors file read at once, for small ones: adapters, optimizer state, batches.</summary>
public static class SafetensorsFile
{
    /// <summary>Reads every tensor into memory of its own, in the caller's dispose scope.</summary>
    /// <exception cref="InvalidInputException">The file is not valid, or a tensor has a type that libtorch does not compute with.</exception>
    /// <exception cref="StorageException">The file could not be read.</exception>
    public static IReadOnlyDictionary<string, torch.Tensor> Load(string file) => Load(SafetensorsHeader.Read(file));

    /// <inheritdoc cref="Load(string)"/>
    public static IReadOnlyDictionary<string, torch.Tensor> Load(SafetensorsHeader header)
    {
        Dictionary<string, torch.Tensor> tensors = new(StringComparer.Ordinal);
        using PositionalFile file = PositionalFile.Open(header.File);
        foreach (TensorEntry tensor in TensorEntries.Of(header)) tensors.Add(tensor.Name, Load(file, tensor));
        return tensors;
    }

    /// <summary>Reads one tensor, in the caller's dispose scope.</summary>
    /// <exception cref="StorageException">The file could not be read.</exception>
    internal static torch.Tensor Load(PositionalFile file, TensorEntry tensor)
    {
        torch.Tensor target = torch.empty([.. tensor.Shape], dtype: tensor.Type);
        file.Fill(Devices.TensorMemory.Bytes(target), tensor.Offset);
        return target;
    }

    /// <summary>Writes tensors in the given order, flushed to disk. Not atomic: write to a temporary name and rename.</summary>
    /// <param name="metadata">Null: <c>{"format": "pt"}</c>, which transformers and PEFT expect.</param>
    public static void Save(string file, IEnumerable<KeyValuePair<string, torch.Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        List<KeyValuePair<string, torch.Tensor>> all = [.. tensors];
        using SafetensorsWriter writer = new(file, all.Select(pair => new SafetensorsSpec(pair.Key, SafetensorsDtype.NameOf(pair.Value.dtype), pair.Value.shape)), metadata);
        foreach ((_, torch.Tensor tensor) in all) writer.Write(tensor);
        writer.Complete();
    }
}
