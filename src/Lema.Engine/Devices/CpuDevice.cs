using TorchSharp;

namespace Lema.Engine.Devices;

/// <summary>The processor: a host slot is the device slot.</summary>
public sealed class CpuDevice : IDevice
{
    public string Name => "cpu";

    public torch.Device TorchDevice => torch.CPU;

    public bool SharesHostMemory => true;

    public MemoryInfo Memory()
    {
        GCMemoryInfo info = GC.GetGCMemoryInfo();
        return new MemoryInfo(Math.Max(0, info.TotalAvailableMemoryBytes - Environment.WorkingSet), info.TotalAvailableMemoryBytes);
    }

    public void Synchronize()
    {
        // kernels return when they are done
    }

    public void Dispose() { }
}
