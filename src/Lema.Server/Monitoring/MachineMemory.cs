namespace Lema.Server.Monitoring;

/// <summary>How much memory this machine, or the control group the daemon runs in, has.</summary>
internal static class MachineMemory
{
    /// <summary>Left to the system and the daemon itself.</summary>
    private const long Reserve = 1L << 30;

    /// <summary>What jobs may use together when the operator says nothing.</summary>
    public static long ForJobs()
    {
        long all = Math.Min(MachineCounters.Read().MemoryTotalBytes, ControlGroup.Own()?.LimitBytes() ?? long.MaxValue);
        return all > 0 ? Math.Max(all / 2, all - Reserve) : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
    }

    /// <summary>What processes could still take.</summary>
    public static long AvailableBytes() => Math.Min(MachineCounters.Read().MemoryAvailableBytes, ControlGroup.Own()?.AvailableBytes() ?? long.MaxValue);
}
