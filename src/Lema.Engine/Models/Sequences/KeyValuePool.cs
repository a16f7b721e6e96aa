using Lema.Engine.Devices;
using TorchSharp;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Sequences;

/// <summary>
/// Bounds the keys and values that generation keeps on the device. A chunk that is full never changes again: where the bound is exceeded it leaves, from an accelerator
/// to the host's memory and from the host's memory to a file, and comes back for the time of its use. Used by one compute thread.
/// </summary>
/// <param name="deviceBytes">Chunks that are full leave while more than this is on the device.</param>
/// <param name="folder">Where the file is made, when one is needed; null: the system's folder for temporary files.</param>
public sealed class KeyValuePool(long deviceBytes = long.MaxValue, string? folder = null) : IDisposable
{
    private ChunkFile? _file;

    /// <summary>Bytes of keys and values on the device now.</summary>
    public long OnDeviceBytes { get; private set; }

    /// <summary>Bytes that have left and are still needed.</summary>
    public long AwayBytes { get; private set; }

    internal bool IsOver => OnDeviceBytes > deviceBytes;

    internal Tensor Allocate(IReadOnlyList<long> shape, Tensor like)
    {
        Tensor tensor = empty([.. shape], like.dtype, like.device).DetachFromDisposeScope();
        OnDeviceBytes += TensorMemory.ByteCount(tensor);
        return tensor;
    }

    internal void Free(Tensor tensor)
    {
        OnDeviceBytes -= TensorMemory.ByteCount(tensor);
        tensor.Dispose();
    }

    /// <summary>Takes a tensor off the device and frees it there.</summary>
    /// <exception cref="Errors.StorageException">The disk is full or refuses.</exception>
    internal IAwayTensor Leave(Tensor tensor)
    {
        long bytes = TensorMemory.ByteCount(tensor);
        IAwayTensor away = tensor.device_type == DeviceType.CPU
            ? (_file ??= new ChunkFile(folder ?? Path.GetTempPath())).Put(tensor)
            : new HostTensor(tensor.cpu().DetachFromDisposeScope(), tensor.device);
        AwayBytes += bytes;
        Free(tensor);
        return away;
    }

    internal void Forget(IAwayTensor away)
    {
        AwayBytes -= away.ByteCount;
        away.Dispose();
    }

    public void Dispose() => _file?.Dispose();

    private sealed class HostTensor(Tensor host, Device device) : IAwayTensor
    {
        public long ByteCount => TensorMemory.ByteCount(host);

        public Tensor Bring() => host.to(device);

        public void Dispose() => host.Dispose();
    }
}

/// <summary>A tensor that is off the device.</summary>
internal interface IAwayTensor : IDisposable
{
    long ByteCount { get; }

    /// <summary>A copy on the device, in the caller's dispose scope.</summary>
    Tensor Bring();
}
