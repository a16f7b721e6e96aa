using Lema.Engine.Streaming;
using TorchSharp;

namespace Lema.Engine.Devices;

/// <summary>
/// A CUDA card. Copies run on a stream of their own beside libtorch, which computes on the legacy default stream (handle 0) of the same primary
/// context. Needs the driver only; libtorch has to be the CUDA build (docs/cuda.md).
/// </summary>
internal sealed class CudaDevice : ICopyDevice
{
    private const nint ComputeStream = 0;

    private readonly int _device;
    private readonly nint _context;
    private readonly nint _copies;
    private readonly List<nint> _memory = [];

    /// <exception cref="CudaException">There is no such card, or the driver refused.</exception>
    public CudaDevice(int ordinal)
    {
        CudaDriver.Check(CudaDriver.Init(0), "cuInit");
        CudaDriver.Check(CudaDriver.DeviceGet(out _device, ordinal), "cuDeviceGet");
        CudaDriver.Check(CudaDriver.PrimaryContextRetain(out _context, _device), "cuDevicePrimaryCtxRetain");
        MakeCurrent();
        CudaDriver.Check(CudaDriver.StreamCreate(out _copies, CudaDriver.StreamNonBlocking), "cuStreamCreate");
        Name = CudaDriver.NameOf(_device);
        TorchDevice = new torch.Device(DeviceType.CUDA, ordinal);
    }

    /// <summary>Whether a driver is installed.</summary>
    public static bool IsAvailable => OperatingSystem.IsLinux() && CudaDriver.IsPresent;

    public string Name { get; }

    public torch.Device TorchDevice { get; }

    public bool SharesHostMemory => false;

    public MemoryInfo Memory()
    {
        MakeCurrent();
        CudaDriver.Check(CudaDriver.MemoryInfo(out nuint free, out nuint total), "cuMemGetInfo");
        return new MemoryInfo((long)free, (long)total);
    }

    public void Synchronize()
    {
        MakeCurrent();
        CudaDriver.Check(CudaDriver.StreamSynchronize(ComputeStream), "cuStreamSynchronize");
    }

    public nint Allocate(long byteCount)
    {
        MakeCurrent();
        CudaDriver.Check(CudaDriver.MemoryAllocate(out nint address, (nuint)byteCount), "cuMemAlloc");
        lock (_memory) _memory.Add(address);
        return address;
    }

    public void Pin(HostBuffer buffer)
    {
        MakeCurrent();
        CudaDriver.Check(CudaDriver.HostRegister(buffer.Address, (nuint)buffer.ByteCount, CudaDriver.HostRegisterPortable), "cuMemHostRegister");
    }

    public void Unpin(HostBuffer buffer)
    {
        MakeCurrent();
        CudaDriver.Check(CudaDriver.HostUnregister(buffer.Address), "cuMemHostUnregister");
    }

    public IDeviceEvent CreateEvent() => new Event(this);

    public void QueueCopy(nint host, nint device, long byteCount)
    {
        MakeCurrent();
        CudaDriver.Check(CudaDriver.CopyHostToDevice(device, host, (nuint)byteCount, _copies), "cuMemcpyHtoDAsync");
    }

    public void Dispose()
    {
        MakeCurrent();
        CudaDriver.Check(CudaDriver.StreamSynchronize(_copies), "cuStreamSynchronize");
        CudaDriver.Check(CudaDriver.StreamSynchronize(ComputeStream), "cuStreamSynchronize");
        CudaDriver.Check(CudaDriver.StreamDestroy(_copies), "cuStreamDestroy");
        foreach (nint address in _memory) CudaDriver.Check(CudaDriver.MemoryFree(address), "cuMemFree");
        CudaDriver.Check(CudaDriver.PrimaryContextRelease(_device), "cuDevicePrimaryCtxRelease");
    }

    /// <summary>A context is current for one thread; readers, the copying thread and the compute thread all call here.</summary>
    private void MakeCurrent() => CudaDriver.Check(CudaDriver.SetCurrent(_context), "cuCtxSetCurrent");

    private sealed class Event : IDeviceEvent
    {
        private readonly CudaDevice _owner;
        private readonly nint _event;

        public Event(CudaDevice owner)
        {
            _owner = owner;
            owner.MakeCurrent();
            CudaDriver.Check(CudaDriver.EventCreate(out _event, CudaDriver.EventDisableTiming), "cuEventCreate");
        }

        public void RecordOnCopies() => Record(_owner._copies);

        public void RecordOnCompute() => Record(ComputeStream);

        public void CopiesWait() => Wait(_owner._copies);

        public void ComputeWaits() => Wait(ComputeStream);

        public void Synchronize()
        {
            _owner.MakeCurrent();
            CudaDriver.Check(CudaDriver.EventSynchronize(_event), "cuEventSynchronize");
        }

        public void Dispose()
        {
            _owner.MakeCurrent();
            CudaDriver.Check(CudaDriver.EventDestroy(_event), "cuEventDestroy");
        }

        private void Record(nint stream)
        {
            _owner.MakeCurrent();
            CudaDriver.Check(CudaDriver.EventRecord(_event, stream), "cuEventRecord");
        }

        private void Wait(nint stream)
        {
            _owner.MakeCurrent();
            CudaDriver.Check(CudaDriver.StreamWaitEvent(stream, _event, 0), "cuStreamWaitEvent");
        }
    }
}
