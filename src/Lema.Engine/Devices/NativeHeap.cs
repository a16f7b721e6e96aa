using System.Runtime.InteropServices;

namespace Lema.Engine.Devices;

/// <summary>How libtorch's buffers are kept between two uses.</summary>
internal static partial class NativeHeap
{
    private const int TrimThreshold = -1, MappedThreshold = -3, MostMapped = -4;
    private const int BytesOfALargeBuffer = 2 << 20, BytesKept = 64 << 20;

    private static bool IsGlibc { get; } =
        OperatingSystem.IsLinux() && NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "gnu_get_libc_version", out _);

    /// <summary>
    /// For the rest of the process large buffers go back to the system as soon as they are free. Kept for the next use, as they are otherwise, they spare the mapping of pages, but
    /// holes between them take memory that a promised total has no room for (figures: docs/performance.md). Does nothing where the C library is not glibc.
    /// </summary>
    public static void ReturnFreedMemory()
    {
        if (!IsGlibc) return;
        Set(MostMapped, int.MaxValue);
        Set(MappedThreshold, BytesOfALargeBuffer);
        Set(TrimThreshold, BytesKept);
    }

    /// <summary>
    /// Gives the pages back that are free now. Aligned buffers of ever new sizes leave holes that glibc fills with small ones, so that what a run takes creeps upwards for hundreds of steps.
    /// The next step maps anew what it needs: an eighth of a second a gigabyte (huge pages).
    /// </summary>
    public static void Trim()
    {
        if (IsGlibc) TrimAll(0);
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int TrimAll(nuint kept);

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int Set(int parameter, int value);
}
