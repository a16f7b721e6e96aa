using System.Runtime.InteropServices;

namespace Lema.Engine.Devices;

/// <summary>How libtorch's buffers are kept between two uses.</summary>
internal static partial class NativeHeap
{
    private const int TrimThreshold = -1, MappedThreshold = -3, MostMapped = -4;
    private const int BytesOfALargeBuffer = 2 << 20, BytesKept = 64 << 20;

    /// <summary>
    /// For the rest of the process large buffers go back to the system as soon as they are free. Kept for the next use, as they are otherwise, they spare the mapping of pages, but
    /// holes between them take memory that a promised total has no room for (figures: docs/performance.md). Does nothing where the C library is not glibc.
    /// </summary>
    public static void ReturnFreedMemory()
    {
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "gnu_get_libc_version", out _)) return;
        Set(MostMapped, int.MaxValue);
        Set(MappedThreshold, BytesOfALargeBuffer);
        Set(TrimThreshold, BytesKept);
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int Set(int parameter, int value);
}
