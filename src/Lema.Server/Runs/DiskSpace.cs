using Lema.Server.Storage;

namespace Lema.Server.Runs;

/// <summary>Waits until the disk has space for a run that filled it. Lives as long as the daemon.</summary>
internal sealed class DiskSpace(DataFolder data, DiskReserve reserve, TimeProvider clock)
{
    /// <summary>Beside the checkpoints: events, the database's own log.</summary>
    private const long WorkingBytes = 16 << 20;

    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <summary>Ends when two more checkpoints fit, or the run no longer waits.</summary>
    public async Task WaitForSpaceAsync(RunSession session, CancellationToken stop)
    {
        long needed = 2 * session.Detail.Checkpoints.Select(c => c.Bytes).DefaultIfEmpty(0).Max() + DiskReserve.Bytes + WorkingBytes;
        do
        {
            // At least once: where a quota is used up, the free space says nothing.
            await Task.Delay(Interval, clock, stop).ConfigureAwait(false);
        } while (new DriveInfo(data.Root).AvailableFreeSpace < needed && session.Detail.WaitsForDisk);
        reserve.Refill();
    }
}
