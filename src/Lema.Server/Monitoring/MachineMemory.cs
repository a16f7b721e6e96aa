using System.Globalization;

namespace Lema.Server.Monitoring;

/// <summary>How much memory this machine, or the control group the daemon runs in, has.</summary>
internal static class MachineMemory
{
    /// <summary>Left to the system and the daemon itself.</summary>
    private const long Reserve = 1L << 30;

    /// <summary>What jobs may use together when the operator says nothing.</summary>
    public static long ForJobs()
    {
        long all = Math.Min(MachineCounters.Read().MemoryTotalBytes, ControlGroupLimit() ?? long.MaxValue);
        return all > 0 ? Math.Max(all / 2, all - Reserve) : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
    }

    /// <summary>What processes could still take.</summary>
    public static long AvailableBytes() => Math.Min(MachineCounters.Read().MemoryAvailableBytes, ControlGroupLimit() - Number("memory.current") ?? long.MaxValue);

    private static long? ControlGroupLimit() => Number("memory.max");

    /// <summary>Of the control group (version 2) that this process is in, as a container sees it; null where there is none, or no limit.</summary>
    private static long? Number(string name)
    {
        string file = Path.Combine("/sys/fs/cgroup", name);
        return File.Exists(file) && long.TryParse(File.ReadAllText(file), CultureInfo.InvariantCulture, out long bytes) ? bytes : null;
    }
}
