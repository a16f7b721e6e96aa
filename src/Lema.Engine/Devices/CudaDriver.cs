using System.Runtime.InteropServices;

namespace Lema.Engine.Devices;

/// <summary>The calls of the CUDA driver API that streaming needs (CUDA Driver API reference, sections 6.2 to 6.19). Nothing here loads unless it is called.</summary>
internal static unsafe partial class CudaDriver
{
    public const uint StreamNonBlocking = 1;
    public const uint EventDisableTiming = 2;
    public const uint HostRegisterPortable = 1;

    private const string Library = "libcuda.so.1";
    private const int LongestName = 256;

    public static bool IsPresent => NativeLibrary.TryLoad(Library, out _);

    /// <exception cref="CudaException">The driver reported an error.</exception>
    public static void Check(int result, string call)
    {
        if (result == 0) return;
        string text = ErrorString(result, out byte* message) == 0 ? Marshal.PtrToStringUTF8((nint)message)! : $"error {result}";
        throw new CudaException(call, result, text);
    }

    public static string NameOf(int device)
    {
        byte* name = stackalloc byte[LongestName];
        Check(DeviceGetName(name, LongestName, device), "cuDeviceGetName");
        return Marshal.PtrToStringUTF8((nint)name)!;
    }

    [LibraryImport(Library, EntryPoint = "cuInit")]
    public static partial int Init(uint flags);

    [LibraryImport(Library, EntryPoint = "cuDeviceGet")]
    public static partial int DeviceGet(out int device, int ordinal);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRetain")]
    public static partial int PrimaryContextRetain(out nint context, int device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRelease_v2")]
    public static partial int PrimaryContextRelease(int device);

    [LibraryImport(Library, EntryPoint = "cuCtxSetCurrent")]
    public static partial int SetCurrent(nint context);

    [LibraryImport(Library, EntryPoint = "cuStreamCreate")]
    public static partial int StreamCreate(out nint stream, uint flags);

    [LibraryImport(Library, EntryPoint = "cuStreamDestroy_v2")]
    public static partial int StreamDestroy(nint stream);

    [LibraryImport(Library, EntryPoint = "cuStreamSynchronize")]
    public static partial int StreamSynchronize(nint stream);

    [LibraryImport(Library, EntryPoint = "cuStreamWaitEvent")]
    public static partial int StreamWaitEvent(nint stream, nint happening, uint flags);

    [LibraryImport(Library, EntryPoint = "cuEventCreate")]
    public static partial int EventCreate(out nint happening, uint flags);

    [LibraryImport(Library, EntryPoint = "cuEventDestroy_v2")]
    public static partial int EventDestroy(nint happening);

    [LibraryImport(Library, EntryPoint = "cuEventRecord")]
    public static partial int EventRecord(nint happening, nint stream);

    [LibraryImport(Library, EntryPoint = "cuEventSynchronize")]
    public static partial int EventSynchronize(nint happening);

    [LibraryImport(Library, EntryPoint = "cuMemAlloc_v2")]
    public static partial int MemoryAllocate(out nint address, nuint byteCount);

    [LibraryImport(Library, EntryPoint = "cuMemFree_v2")]
    public static partial int MemoryFree(nint address);

    [LibraryImport(Library, EntryPoint = "cuMemHostRegister_v2")]
    public static partial int HostRegister(nint address, nuint byteCount, uint flags);

    [LibraryImport(Library, EntryPoint = "cuMemHostUnregister")]
    public static partial int HostUnregister(nint address);

    [LibraryImport(Library, EntryPoint = "cuMemcpyHtoDAsync_v2")]
    public static partial int CopyHostToDevice(nint target, nint source, nuint byteCount, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemGetInfo_v2")]
    public static partial int MemoryInfo(out nuint free, out nuint total);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetName")]
    private static partial int DeviceGetName(byte* name, int length, int device);

    [LibraryImport(Library, EntryPoint = "cuGetErrorString")]
    private static partial int ErrorString(int result, out byte* text);
}
