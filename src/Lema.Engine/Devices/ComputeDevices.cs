using System.Globalization;
using Lema.Engine.Errors;
using TorchSharp;

namespace Lema.Engine.Devices;

/// <summary>Which device jobs compute on: the first CUDA card where there is one and libtorch can use it, else the processor.</summary>
public static class ComputeDevices
{
    private const string CudaLibrary = "libtorch_cuda.so", Visible = "CUDA_VISIBLE_DEVICES";

    /// <summary>Share of a card's memory that a job may use; the rest is for the context, libraries and a display.</summary>
    private const double ShareOfMemory = 0.9;

    /// <summary>Bytes of the card's memory that a job may use, without opening the card; null: the processor computes.</summary>
    public static long? AcceleratorBytes
    {
        get
        {
            if (!HasCudaLibrary || VisibleOrdinal is not { } ordinal) return null;
            using CudaTelemetry? telemetry = CudaTelemetry.TryOpen(ordinal);
            return telemetry is null ? null : Usable(telemetry.Sample().Memory);
        }
    }

    /// <exception cref="LemaException">There is a card, but libtorch cannot use it.</exception>
    public static IDevice Open()
    {
        if (AcceleratorBytes is null) return new CpuDevice();
        if (!CudaDevice.IsAvailable || !torch.cuda.is_available())
            throw new InvalidInputException("this machine", "CUDA", $"a card and a CUDA build of libtorch are here, but libtorch cannot use the card; see docs/cuda.md, or set {Visible} to nothing to compute on the processor.");
        return new CudaDevice(0);
    }

    /// <summary>Bytes of a device's own memory that a job may use; null where kernels read host memory.</summary>
    public static long? UsableBytes(IDevice device) => device.SharesHostMemory ? null : Usable(device.Memory());

    private static bool HasCudaLibrary =>
        File.Exists(Path.Combine(AppContext.BaseDirectory, CudaLibrary)) || File.Exists(Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", CudaLibrary));

    /// <summary>NVML's number of the first card that CUDA may use; null: none.</summary>
    private static uint? VisibleOrdinal
    {
        get
        {
            if (Environment.GetEnvironmentVariable(Visible) is not { } visible) return 0;
            return uint.TryParse(visible.Split(',')[0], NumberStyles.None, CultureInfo.InvariantCulture, out uint ordinal) ? ordinal : null;
        }
    }

    private static long Usable(MemoryInfo memory) => (long)(ShareOfMemory * memory.TotalBytes);
}
