using System.Globalization;

namespace Lema.Engine.Devices;

/// <summary>Resident memory of this process, from /proc/self; 0 where there is none.</summary>
public static class ProcessMemory
{
    // Numbers of pages: all, resident, ... (proc_pid_statm(5))
    private const string Pages = "/proc/self/statm";

    public static long PeakRssBytes => Read("VmHWM:");

    public static long RssBytes => File.Exists(Pages) ? long.Parse(File.ReadAllText(Pages).Split(' ')[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize : 0;

    private static long Read(string field)
    {
        if (!File.Exists("/proc/self/status")) return 0;
        string? line = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(field, StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^2].Trim('\t'), CultureInfo.InvariantCulture) * 1024;
    }
}
