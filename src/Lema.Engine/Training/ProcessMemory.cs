using System.Globalization;

namespace Lema.Engine.Training;

/// <summary>Resident memory of this process, from /proc/self/status; 0 where there is none.</summary>
public static class ProcessMemory
{
    public static long PeakRssBytes => Read("VmHWM:");

    public static long RssBytes => Read("VmRSS:");

    private static long Read(string field)
    {
        if (!File.Exists("/proc/self/status")) return 0;
        string? line = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(field, StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^2].Trim('\t'), CultureInfo.InvariantCulture) * 1024;
    }
}
