using System.Runtime.InteropServices;

namespace Lema.Engine.Devices;

/// <param name="Utilization">Share of the last sample period in which a kernel ran, 0 to 1.</param>
/// <param name="PowerWatts">Power draw.</param>
/// <param name="TemperatureCelsius">Temperature of the chip.</param>
public readonly record struct CudaSample(double Utilization, double PowerWatts, int TemperatureCelsius);

/// <summary>What NVML tells about a card (NVML API reference, section "Device Queries").</summary>
internal sealed partial class CudaTelemetry : IDisposable
{
    private const string Library = "libnvidia-ml.so.1";
    private const int ChipSensor = 0;

    private readonly nint _device;

    private CudaTelemetry(nint device) => _device = device;

    /// <summary>Null where NVML is not installed or does not know the card.</summary>
    public static CudaTelemetry? TryOpen(uint ordinal)
    {
        if (!NativeLibrary.TryLoad(Library, out _) || Init() != 0) return null;
        if (HandleByIndex(ordinal, out nint device) == 0) return new CudaTelemetry(device);
        _ = Shutdown();
        return null;
    }

    /// <summary>Figures a card does not report are NaN or 0.</summary>
    public CudaSample Sample()
    {
        double utilization = UtilizationRates(_device, out Rates rates) == 0 ? rates.Gpu / 100.0 : double.NaN;
        double watts = PowerUsage(_device, out uint milliwatts) == 0 ? milliwatts / 1000.0 : double.NaN;
        int celsius = Temperature(_device, ChipSensor, out uint degrees) == 0 ? (int)degrees : 0;
        return new CudaSample(utilization, watts, celsius);
    }

    public void Dispose() => _ = Shutdown();

    [StructLayout(LayoutKind.Sequential)]
    private struct Rates
    {
        public uint Gpu;
        public uint Memory;
    }

    [LibraryImport(Library, EntryPoint = "nvmlInit_v2")]
    private static partial int Init();

    [LibraryImport(Library, EntryPoint = "nvmlShutdown")]
    private static partial int Shutdown();

    [LibraryImport(Library, EntryPoint = "nvmlDeviceGetHandleByIndex_v2")]
    private static partial int HandleByIndex(uint index, out nint device);

    [LibraryImport(Library, EntryPoint = "nvmlDeviceGetUtilizationRates")]
    private static partial int UtilizationRates(nint device, out Rates rates);

    [LibraryImport(Library, EntryPoint = "nvmlDeviceGetPowerUsage")]
    private static partial int PowerUsage(nint device, out uint milliwatts);

    [LibraryImport(Library, EntryPoint = "nvmlDeviceGetTemperature")]
    private static partial int Temperature(nint device, int sensor, out uint celsius);
}
