using System.Globalization;

namespace Lema.Server.Monitoring;

/// <summary>Counters of the whole machine since it was started, from /proc. Zero where there is no /proc.</summary>
/// <param name="BusyTicks">Of all processors.</param>
/// <param name="AllTicks">Busy and idle.</param>
internal readonly record struct MachineCounters(long BusyTicks, long AllTicks, long MemoryTotalBytes, long MemoryAvailableBytes, long DiskReadBytes, long DiskWrittenBytes)
{
    private const long SectorBytes = 512;

    public double BusyShareSince(MachineCounters earlier) =>
        AllTicks > earlier.AllTicks ? Math.Clamp((BusyTicks - earlier.BusyTicks) / (double)(AllTicks - earlier.AllTicks), 0, 1) : 0;

    public static MachineCounters Read()
    {
        long[] ticks = [.. Lines("/proc/stat").Where(line => line.StartsWith("cpu ", StringComparison.Ordinal)).Take(1).SelectMany(Numbers)];
        Dictionary<string, long> memory = Lines("/proc/meminfo").Select(line => line.Split(':', 2)).Where(parts => parts.Length == 2)
            .ToDictionary(parts => parts[0], parts => Numbers(parts[1]).FirstOrDefault() * 1024);
        long read = 0, written = 0;
        foreach (string line in Lines("/proc/diskstats"))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            // Whole disks only: partitions would be counted twice.
            if (fields.Length < 10 || !Directory.Exists($"/sys/block/{fields[2]}") || fields[2].StartsWith("loop", StringComparison.Ordinal)) continue;
            read += long.Parse(fields[5], CultureInfo.InvariantCulture) * SectorBytes;
            written += long.Parse(fields[9], CultureInfo.InvariantCulture) * SectorBytes;
        }
        long idle = ticks.Length > 4 ? ticks[3] + ticks[4] : 0;
        return new MachineCounters(ticks.Take(8).Sum() - idle, ticks.Take(8).Sum(), memory.GetValueOrDefault("MemTotal"), memory.GetValueOrDefault("MemAvailable"), read, written);
    }

    private static IEnumerable<string> Lines(string file) => File.Exists(file) ? File.ReadLines(file) : [];

    private static IEnumerable<long> Numbers(string text) =>
        text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(part => char.IsAsciiDigit(part[0])).Select(part => long.Parse(part, CultureInfo.InvariantCulture));
}
