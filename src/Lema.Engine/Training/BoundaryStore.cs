using static TorchSharp.torch;

namespace Lema.Engine.Training;

/// <summary>Keeps boundary activations, the inputs of blocks, from the forward to the backward pass.</summary>
public interface IBoundaryStore : IDisposable
{
    /// <summary>Takes over a tensor [tokens, hidden].</summary>
    void Put(int block, int microBatch, Tensor activation);

    /// <summary>Gives it back, once; the caller disposes it.</summary>
    Tensor Take(int block, int microBatch);
}

/// <summary>Boundary activations in memory.</summary>
public sealed class HostBoundaryStore : IBoundaryStore
{
    private readonly Dictionary<(int, int), Tensor> _activations = [];

    public void Put(int block, int microBatch, Tensor activation) => _activations.Add((block, microBatch), activation.DetachFromDisposeScope());

    public Tensor Take(int block, int microBatch)
    {
        _activations.Remove((block, microBatch), out Tensor? activation);
        return activation ?? throw new InvalidOperationException($"No boundary of block {block}, micro-batch {microBatch}.");
    }

    public void Dispose()
    {
        foreach (Tensor activation in _activations.Values) activation.Dispose();
        _activations.Clear();
    }
}
