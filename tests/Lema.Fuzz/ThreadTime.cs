using System.Runtime.InteropServices;

namespace Lema.Fuzz;

/// <summary>Processor time of the calling thread; elsewhere than on Linux that of the process.</summary>
internal static partial class ThreadTime
{
    // CLOCK_THREAD_CPUTIME_ID of clock_gettime(2)
    private const int ThreadClock = 3;

    public static TimeSpan Now
    {
        get
        {
            if (!OperatingSystem.IsLinux()) return Environment.CpuUsage.TotalTime;
            if (ReadClock(ThreadClock, out TimeSpec time) != 0) throw new InvalidOperationException($"clock_gettime: error {Marshal.GetLastPInvokeError()}");
            return TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromMicroseconds(time.Nanoseconds / 1e3);
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    private static partial int ReadClock(int clock, out TimeSpec time);

    private readonly record struct TimeSpec(nint Seconds, nint Nanoseconds);
}
