using Lema.Engine.Devices;
using Lema.Engine.Streaming;
using TorchSharp;

namespace Lema.Engine.Tests.Devices;

/// <summary>
/// A device whose tensors have shapes and types but no values: libtorch refuses to mix them with host tensors as it refuses for a card's, so what computes here
/// leaves nothing behind on the host by mistake.
/// </summary>
internal sealed class MetaDevice : ICopyDevice
{
    public string Name => "meta";

    public torch.Device TorchDevice => torch.META;

    public bool SharesHostMemory => false;

    public MemoryInfo Memory() => new(long.MaxValue, long.MaxValue);

    public void Synchronize() { }

    public nint Allocate(long byteCount) => 0;

    public torch.Tensor View(nint address, torch.ScalarType type, IReadOnlyList<long> shape) => torch.empty([.. shape], type, TorchDevice).DetachFromDisposeScope();

    public void Pin(HostBuffer buffer) { }

    public void Unpin(HostBuffer buffer) { }

    public IDeviceEvent CreateEvent() => new Event();

    public void QueueCopy(nint host, nint device, long byteCount) { }

    public void Dispose() { }

    private sealed class Event : IDeviceEvent
    {
        public void RecordOnCopies() { }

        public void RecordOnCompute() { }

        public void CopiesWait() { }

        public void ComputeWaits() { }

        public void Synchronize() { }

        public void Dispose() { }
    }
}
