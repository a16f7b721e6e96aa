using System.Runtime.InteropServices;

namespace Lema.Engine.Devices;

/// <param name="Utilization">Share of the last sample period in which a kernel ran, 0 to 1.</param>
/// <param name="PowerWatts">Power draw.</param>
/// <param name="TemperatureCelsius">Temperature of the chip.</param>
public readonly record struct CudaSample(MemoryInfo Memory, double Utilization, double PowerWatts, int TemperatureCelsius);

/// <summary>What NVML tells about a card (NVML API reference, section "Device Queries"). Needs no CUDA context.</summary>
public sealed unsafe partial class CudaTelemetry : IDisposable
{
    private const string Library = "libnvidia-ml.so.1";
    private const int ChipSensor = 0;
    private const int NameBytes = 96;

    private readonly nint _device;

    private CudaTelemetry(nint device)
    {
        _device = device;
        byte* name = stackalloc byte[NameBytes];
        Name = DeviceName(device, name, NameBytes) == 0 ? Marshal.PtrToStringUTF8((nint)name) ?? "" : "";
    }

    public string Name { get; }

    /// <summary>Null where NVML is not installed or does not know the card.</summary>
    public static CudaTelemetry? TryOpen(uint ordinal)
    {
        if (!NativeLibrary.TryLoad(Library, out _) || Init() != 0) return null;
        if (HandleByIndex(ordinal, out nint device) == 0) return new CudaTelemetry(device);
        _ = Shutdown();
        return null;
    }

    /// <summary>Every card of the machine.</summary>
    public static IReadOnlyList<CudaTelemetry> OpenAll()
    {
        List<CudaTelemetry> cards = [];
        while (TryOpen((uint)cards.Count) is { } card) cards.Add(card);
        return cards;
    }

    /// <summary>Figures a card does not report are NaN or 0.</summary>
    public CudaSample Sample()
    {
        MemoryInfo memory = DeviceMemory(_device, out Memory bytes) == 0 ? new((long)bytes.Free, (long)bytes.Total) : default;
        double utilization = UtilizationRates(_device, out Rates rates) == 0 ? rates.Gpu / 100.0 : double.NaN;
        double watts = PowerUsage(_device, out uint milliwatts) == 0 ? milliwatts / 1000.0 : double.NaN;
        int celsius = Temperature(_device, ChipSensor, out uint degrees) == 0 ? (int)degrees : 0;
        return new CudaSample(memory, utilization, watts, celsius);
    }

    public void Dispose() => _ = Shutdown();

    [StructLayout(LayoutKind.Sequential)]
    private struct Rates
    {
        public uint Gpu;
        public uint Memory;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Memory
    {
        public ulong Total;
        public ulong Free;
        public ulong Used;
    }

    [LibraryImport(Library, EntryPoint = "nvmlInit_v2")]
    private static partial int Init();

    [LibraryImport(Library, EntryPoint = "nvmlShutdown")]
    private static partial int Shutdown();

    [LibraryImport(Library, EntryPoint = "nvmlDeviceGetHandleByIndex_v2")]
    private static partial int HandleByIndex(uint index, out nint device);

    [LibraryImport(Library, EntryPoint = "nvmlDeviceGetName")]
    private static partial int DeviceName(nint device, byte* name, uint length);

    [LibraryImport(Library, EntryPoint = "nvmlDeviceGetMemoryInfo")]
    private static partial int DeviceMemory(nint device, out Memory memory);

    [LibraryImport(Library, EntryPoint = "nvmlDeviceGetUtilizationRates")]
    private static partial int UtilizationRates(nint device, out Rates rates);

    [LibraryImport(Library, EntryPoint = "nvmlDeviceGetPowerUsage")]
    private static partial int PowerUsage(nint device, out uint milliwatts);

    [LibraryImport(Library, EntryPoint = "nvmlDeviceGetTemperature")]
    private static partial int Temperature(nint device, int sensor, out uint celsius);
}
