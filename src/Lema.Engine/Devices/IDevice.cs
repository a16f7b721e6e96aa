using TorchSharp;

namespace Lema.Engine.Devices;

/// <summary>Where layers are computed. Lives as long as the job.</summary>
public interface IDevice : IDisposable
{
    string Name { get; }

    torch.Device TorchDevice { get; }

    /// <summary>Whether kernels read host memory: then a host slot is the device slot and nothing is copied.</summary>
    bool SharesHostMemory { get; }

    /// <summary>Bytes free and in all, now.</summary>
    MemoryInfo Memory();

    /// <summary>Blocks until everything that was queued for computation is done.</summary>
    void Synchronize();
}

public readonly record struct MemoryInfo(long FreeBytes, long TotalBytes);
