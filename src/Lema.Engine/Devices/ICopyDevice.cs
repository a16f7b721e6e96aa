using Lema.Engine.Streaming;
using TorchSharp;

namespace Lema.Engine.Devices;

/// <summary>
/// A device with memory of its own. It has two queues that run beside each other, copies and computation; events order them, so that neither the
/// compute thread nor the copying one ever waits for the other on the host.
/// </summary>
internal interface ICopyDevice : IDevice
{
    /// <summary>Memory that stays at its address until the device is disposed.</summary>
    nint Allocate(long byteCount);

    /// <summary>A tensor over memory of the device, not part of any dispose scope.</summary>
    torch.Tensor View(nint address, torch.ScalarType type, IReadOnlyList<long> shape) => TensorMemory.View(address, type, shape, TorchDevice);

    /// <summary>Page-locks a host buffer, so that copies from it need no staging. Undone by <see cref="Unpin"/> before the buffer is freed.</summary>
    void Pin(HostBuffer buffer);

    void Unpin(HostBuffer buffer);

    IDeviceEvent CreateEvent();

    /// <summary>Queues a copy from host to device memory. The source must not change before an event recorded after it has happened.</summary>
    void QueueCopy(nint host, nint device, long byteCount);
}

/// <summary>A point in one of the two queues. Recording it again moves it; waits that were queued before keep the earlier point.</summary>
internal interface IDeviceEvent : IDisposable
{
    void RecordOnCopies();

    void RecordOnCompute();

    /// <summary>What is queued on the copies from here on runs after the event.</summary>
    void CopiesWait();

    /// <summary>What is queued for computation from here on runs after the event.</summary>
    void ComputeWaits();

    /// <summary>Blocks the calling thread until the event has happened.</summary>
    void Synchronize();
}
