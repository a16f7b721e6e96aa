using static TorchSharp.torch;

namespace Lema.Engine.Models;

/// <summary>A float32 parameter that training changes, with the accumulator of its gradient.</summary>
/// <param name="Name">Its key in the checkpoint.</param>
/// <param name="Layer">The layer whose backward pass completes its gradient: -1 the embedding, 0.. a block, the number of blocks the head.</param>
public sealed class TrainedParameter(string name, int layer, Tensor value) : IDisposable
{
    private Tensor? _gradient;

    public string Name { get; } = name;

    public int Layer { get; } = layer;

    public Tensor Value { get; } = value.DetachFromDisposeScope();

    /// <summary>Sum over the micro-batches of the step so far, float32. Takes memory from its first use on: who generates or merges has none.</summary>
    public Tensor Gradient => _gradient ??= zeros_like(Value).DetachFromDisposeScope();

    public long ByteCount => Value.NumberOfElements * Value.ElementSize;

    public void Dispose()
    {
        Value.Dispose();
        _gradient?.Dispose();
    }
}
