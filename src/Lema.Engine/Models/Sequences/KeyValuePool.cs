using Lema.Engine.Devices;
using Lema.Engine.Streaming.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Sequences;

/// <summary>
/// Bounds the keys and values that generation keeps on the device. A chunk that is full never changes again: where the bound is exceeded it leaves, from an accelerator
/// to the host's memory and from the host's memory to a file, and comes back for the time of its use. Used by one compute thread.
/// </summary>
/// <param name="deviceBytes">Chunks that are full leave while more than this is on the device.</param>
/// <param name="folder">Where the file is made, when one is needed; null: the system's folder for temporary files.</param>
/// <param name="device">What is on the device is charged to it; null: to none.</param>
/// <param name="host">What has left for the host's memory is charged to it; null: to none.</param>
public sealed class KeyValuePool(long deviceBytes = long.MaxValue, string? folder = null, MemoryLedger? device = null, MemoryLedger? host = null) : IDisposable
{
    private const string Name = "keys and values";

    private ChunkFile? _file;
    private IDisposable? _deviceCharge, _hostCharge;
    private long _hostBytes;

    /// <summary>Bytes of keys and values on the device now.</summary>
    public long OnDeviceBytes { get; private set; }

    /// <summary>Bytes that have left and are still needed.</summary>
    public long AwayBytes { get; private set; }

    internal bool IsOver => OnDeviceBytes > deviceBytes;

    internal Tensor Allocate(IReadOnlyList<long> shape, Tensor like)
    {
        Tensor tensor = empty([.. shape], like.dtype, like.device).DetachFromDisposeScope();
        ChangeDevice(TensorMemory.ByteCount(tensor));
        return tensor;
    }

    internal void Free(Tensor tensor)
    {
        ChangeDevice(-TensorMemory.ByteCount(tensor));
        tensor.Dispose();
    }

    /// <summary>Takes a tensor off the device and frees it there.</summary>
    /// <exception cref="Errors.StorageException">The disk is full or refuses.</exception>
    internal IAwayTensor Leave(Tensor tensor)
    {
        long bytes = TensorMemory.ByteCount(tensor);
        IAwayTensor away = tensor.device_type == DeviceType.CPU
            ? (_file ??= new ChunkFile(folder ?? Path.GetTempPath())).Put(tensor)
            : new HostTensor(this, tensor.cpu().DetachFromDisposeScope(), tensor.device);
        AwayBytes += bytes;
        Free(tensor);
        return away;
    }

    internal void Forget(IAwayTensor away)
    {
        AwayBytes -= away.ByteCount;
        away.Dispose();
    }

    public void Dispose()
    {
        _file?.Dispose();
        _deviceCharge?.Dispose();
        _hostCharge?.Dispose();
    }

    private void ChangeDevice(long bytes)
    {
        OnDeviceBytes += bytes;
        _deviceCharge?.Dispose();
        _deviceCharge = device?.Charge(Name, OnDeviceBytes);
    }

    private void ChangeHost(long bytes)
    {
        _hostBytes += bytes;
        _hostCharge?.Dispose();
        _hostCharge = host?.Charge(Name, _hostBytes);
    }

    private sealed class HostTensor : IAwayTensor
    {
        private readonly KeyValuePool _pool;
        private readonly Tensor _copy;
        private readonly Device _device;

        public HostTensor(KeyValuePool pool, Tensor copy, Device device)
        {
            (_pool, _copy, _device) = (pool, copy, device);
            pool.ChangeHost(ByteCount);
        }

        public long ByteCount => TensorMemory.ByteCount(_copy);

        public Tensor Bring() => _copy.to(_device);

        public void Dispose()
        {
            _pool.ChangeHost(-ByteCount);
            _copy.Dispose();
        }
    }
}

/// <summary>A tensor that is off the device.</summary>
internal interface IAwayTensor : IDisposable
{
    long ByteCount { get; }

    /// <summary>A copy on the device, in the caller's dispose scope.</summary>
    Tensor Bring();
}
