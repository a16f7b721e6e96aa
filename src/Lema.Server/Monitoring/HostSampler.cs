using Google.Protobuf.WellKnownTypes;
using Lema.Engine.Devices;
using Lema.Protocol.V1;
using Lema.Server.Jobs;
using Lema.Server.Storage;

namespace Lema.Server.Monitoring;

/// <summary>Samples the machine and the workers once a second and keeps the last ten minutes. Lives as long as the daemon.</summary>
internal sealed partial class HostSampler(WorkerBoard board, MemoryLedger memory, DataFolder data, TimeProvider clock, ILogger<HostSampler> logger) : BackgroundService
{
    private const int Kept = 600;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    // Where the units of every worker were is kept of the newest sample only: of a model with many experts it is large, and past ones are not shown.
    private readonly Queue<TelemetrySample> _earlier = new();
    private TelemetrySample? _newest;
    private readonly IReadOnlyList<CudaTelemetry> _cards = CudaTelemetry.OpenAll();
    private MachineCounters _last = MachineCounters.Read();
    private long _lastTime = clock.GetTimestamp();
    private bool _isFailing;

    /// <summary>The newest samples, oldest first.</summary>
    public IReadOnlyList<TelemetrySample> Last(int count)
    {
        lock (_gate)
        {
            if (_newest is null || count == 0) return [];
            return [.. _earlier.Skip(Math.Max(0, _earlier.Count + 1 - count)), _newest];
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        using PeriodicTimer timer = new(Interval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping).ConfigureAwait(false))
            {
                try
                {
                    Keep(Sample());
                    _isFailing = false;
                }
                catch (Exception error) when (!stopping.IsCancellationRequested)
                {
                    // A figure that cannot be read, of a worker that has just ended for one, is no reason for the daemon to go down.
                    if (!_isFailing) LogNoSample(error);
                    _isFailing = true;
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    public override void Dispose()
    {
        foreach (CudaTelemetry card in _cards) card.Dispose();
        base.Dispose();
    }

    private static DeviceSample ToProto(string name, CudaSample card, double copied) => new()
    {
        Name = name,
        MemoryUsedBytes = card.Memory.TotalBytes - card.Memory.FreeBytes,
        MemoryTotalBytes = card.Memory.TotalBytes,
        UtilisationShare = double.IsNaN(card.Utilization) ? -1 : card.Utilization,
        CopyBytesPerSecond = copied,
    };

    private void Keep(TelemetrySample sample)
    {
        lock (_gate)
        {
            if (_newest is not null) _earlier.Enqueue(WithoutPipelines(_newest));
            if (_earlier.Count >= Kept) _earlier.Dequeue();
            _newest = sample;
        }
    }

    private static TelemetrySample WithoutPipelines(TelemetrySample sample)
    {
        TelemetrySample copy = sample.Clone();
        foreach (WorkerSample worker in copy.Workers) worker.Pipeline = null;
        return copy;
    }

    private TelemetrySample Sample()
    {
        DateTimeOffset now = clock.GetUtcNow();
        MachineCounters counters = MachineCounters.Read();
        double seconds = Math.Max(1e-3, clock.GetElapsedTime(_lastTime).TotalSeconds);
        HostSample host = new()
        {
            ProcessorShare = counters.BusyShareSince(_last),
            MemoryTotalBytes = counters.MemoryTotalBytes,
            MemoryUsedBytes = counters.MemoryTotalBytes - counters.MemoryAvailableBytes,
            MemoryReservedBytes = memory.TotalBytes - memory.FreeBytes,
            DiskReadBytesPerSecond = Math.Max(0, counters.DiskReadBytes - _last.DiskReadBytes) / seconds,
            DiskWriteBytesPerSecond = Math.Max(0, counters.DiskWrittenBytes - _last.DiskWrittenBytes) / seconds,
            DiskFreeBytes = new DriveInfo(data.Root).AvailableFreeSpace,
        };
        (_last, _lastTime) = (counters, clock.GetTimestamp());
        TelemetrySample sample = new() { Time = Timestamp.FromDateTimeOffset(now), Host = host };
        sample.Workers.AddRange(board.Samples());
        // Jobs compute on the first card.
        double copied = sample.Workers.Sum(worker => worker.CopyBytesPerSecond);
        sample.Devices.AddRange(_cards.Select((card, i) => ToProto(card.Name, card.Sample(), i == 0 ? copied : 0)));
        return sample;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The machine could not be sampled; it is tried again every second")]
    private partial void LogNoSample(Exception error);
}
