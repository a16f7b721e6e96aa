using Lema.Server.Monitoring;

namespace Lema.Server.Workers;

/// <summary>
/// Puts workers whose memory a user has limited into control groups of their own, where the system lets the daemon: then the system keeps the limit, also between two looks of the
/// <see cref="WorkerWatchdog"/>. Lives as long as the daemon.
/// </summary>
internal sealed partial class WorkerGroups
{
    private const string DaemonName = "lema-daemon", WorkerPrefix = "lema-worker-";

    private readonly ControlGroup? _daemon;

    /// <param name="own">The group that the daemon was started in; null: there are none.</param>
    public WorkerGroups(ControlGroup? own, ILogger<WorkerGroups> logger)
    {
        if (own is null || !own.TryDelegate(DaemonName)) return;
        _daemon = own;
        foreach (ControlGroup left in own.Below(WorkerPrefix).Where(group => !Directory.Exists($"/proc/{DaemonOf(group)}"))) left.Remove();
        LogDelegated(logger, own.Folder);
    }

    /// <summary>Several daemons may have been started in one group.</summary>
    private static string DaemonOf(ControlGroup worker) => Path.GetFileName(worker.Folder)[WorkerPrefix.Length..].Split('-')[0];

    /// <returns>Null where the system does not let the daemon: then the watchdog alone keeps the limit.</returns>
    public WorkerGroup? TryAdd(string name, string job, long limitBytes) =>
        _daemon?.TryAdd($"{WorkerPrefix}{Environment.ProcessId}-{name}", MemoryGuard.Ceiling(limitBytes)) is { } group ? new WorkerGroup(group, job, limitBytes) : null;

    [LoggerMessage(Level = LogLevel.Information, Message = "Memory limits of runs are kept by the system, in control groups below {Folder}")]
    private static partial void LogDelegated(ILogger logger, string folder);
}
