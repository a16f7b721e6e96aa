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

    private static long? ControlGroupLimit()
    {
        const string file = "/sys/fs/cgroup/memory.max";
        return File.Exists(file) && long.TryParse(File.ReadAllText(file), CultureInfo.InvariantCulture, out long limit) ? limit : null;
    }
}
