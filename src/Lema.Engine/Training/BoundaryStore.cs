using Lema.Engine.Devices;
using Lema.Engine.Streaming.Planning;
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

/// <summary>Boundary activations in memory, charged to a ledger while they wait.</summary>
public sealed class HostBoundaryStore(MemoryLedger ledger) : IBoundaryStore
{
    private readonly Dictionary<(int, int), (Tensor Activation, IDisposable Charge)> _waiting = [];

    public void Put(int block, int microBatch, Tensor activation) =>
        _waiting.Add((block, microBatch), (activation.DetachFromDisposeScope(), ledger.Charge("boundary activations", TensorMemory.ByteCount(activation))));

    public Tensor Take(int block, int microBatch)
    {
        if (!_waiting.Remove((block, microBatch), out var waiting)) throw new InvalidOperationException($"No boundary of block {block}, micro-batch {microBatch}.");
        waiting.Charge.Dispose();
        return waiting.Activation;
    }

    public void Dispose()
    {
        foreach ((Tensor activation, IDisposable charge) in _waiting.Values)
        {
            activation.Dispose();
            charge.Dispose();
        }
        _waiting.Clear();
    }
}

/// <summary>Boundary activations of a device with memory of its own, which wait on the host.</summary>
/// <param name="host">Owned from here on.</param>
public sealed class CopiedBoundaryStore(IBoundaryStore host, Device device) : IBoundaryStore
{
    public void Put(int block, int microBatch, Tensor activation)
    {
        host.Put(block, microBatch, activation.to(CPU, copy: true));
        activation.Dispose();
    }

    public Tensor Take(int block, int microBatch)
    {
        using Tensor waiting = host.Take(block, microBatch);
        return waiting.to(device, copy: true);
    }

    public void Dispose() => host.Dispose();
}
