using Lema.Engine.Streaming;
using Lema.Engine.Weights;
using static TorchSharp.torch;

namespace Lema.Engine.Models;

/// <summary>A float32 parameter that training changes, with the accumulator of its gradient.</summary>
public sealed class TrainedParameter : IDisposable
{
    private readonly ModelFiles? _files;

    private Tensor? _value, _gradient;

    /// <param name="name">Its key in the checkpoint.</param>
    /// <param name="layer">The layer whose backward pass completes its gradient: -1 the embedding, 0.. a block, the number of blocks the head.</param>
    /// <param name="value">Initial value, float32; taken over, or copied where the storage is no memory.</param>
    /// <param name="storage">Where value, gradient and moments live; null: in memory.</param>
    public TrainedParameter(string name, int layer, Tensor value, IStateStorage? storage = null)
    {
        (Name, Layer, Storage) = (name, layer, storage ?? new MemoryState(CPU));
        if (storage is null) _value = value.DetachFromDisposeScope();
        else
        {
            _value = storage.Zeros(value.shape);
            _value.copy_(value);
            value.Dispose();
        }
        Release();
    }

    /// <summary>One whose value stays in a file: it is read when it is first used, and again after each <see cref="Release"/>.</summary>
    /// <param name="files">Reads it; has to live as long.</param>
    internal TrainedParameter(string name, int layer, TensorEntry stored, ModelFiles files) =>
        (Name, Layer, Storage, Stored, _files) = (name, layer, new MemoryState(CPU), stored, files);

    public string Name { get; }

    public int Layer { get; }

    public Tensor Value => _value ??= SafetensorsFile.Load(_files![Stored!.File], Stored).to(ScalarType.Float32).DetachFromDisposeScope();

    /// <summary>Where in a file the value stays; null: it was taken over.</summary>
    internal TensorEntry? Stored { get; }

    /// <summary>Sum over the micro-batches of the step so far, float32. Takes memory from its first use on: who generates or merges has none.</summary>
    public Tensor Gradient => _gradient ??= Storage.Zeros(Value.shape);

    public IStateStorage Storage { get; private set; }

    public long ByteCount => Value.NumberOfElements * Value.ElementSize;

    /// <summary>Moves the value into the memory of a device; gradient and moments will be made there. Before anything has used it.</summary>
    public void MoveTo(Device device)
    {
        Storage = new MemoryState(device);
        if (Value.device_type == device.type) return;
        Tensor moved = Value.to(device).DetachFromDisposeScope();
        Value.Dispose();
        _value = moved;
    }

    /// <summary>Adds to the gradient, wherever and in whatever type what is added was computed.</summary>
    public void Accumulate(Tensor gradient)
    {
        using var scope = NewDisposeScope();
        Gradient.add_(gradient.to(ScalarType.Float32, Gradient.device));
    }

    /// <summary>Says that value and gradient are not used for a while.</summary>
    public void Release()
    {
        if (Stored is not null)
        {
            _value?.Dispose();
            _value = null;
        }
        else Storage.Release(Value);
        if (_gradient is not null) Storage.Release(_gradient);
    }

    public void Dispose()
    {
        _value?.Dispose();
        _gradient?.Dispose();
    }
}
