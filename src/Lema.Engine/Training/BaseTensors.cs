using Lema.Engine.Devices;
using Lema.Engine.Models;
using Lema.Engine.Weights;
using static TorchSharp.torch;

namespace Lema.Engine.Training;

/// <summary>Single tensors of a base model, read from its files.</summary>
internal sealed class BaseTensors(DecoderModel model, GlobalBinaryIndex index) : IDisposable
{
    private readonly Dictionary<string, PositionalFile> _files = [];
    private readonly Dictionary<string, TensorEntry> _entries = index.Tensors.ToDictionary(tensor => model.PublishedName(tensor.Name));

    /// <summary>Float32 copy, in the caller's dispose scope.</summary>
    public Tensor Read(string name)
    {
        TensorEntry entry = _entries[name];
        if (!_files.TryGetValue(entry.File, out PositionalFile? file)) _files[entry.File] = file = PositionalFile.Open(entry.File);
        using Tensor stored = empty([.. entry.Shape], entry.Type);
        file.Fill(TensorMemory.Bytes(stored), entry.Offset);
        return stored.to(ScalarType.Float32, copy: true);
    }

    public void Dispose()
    {
        foreach (PositionalFile file in _files.Values) file.Dispose();
    }
}
