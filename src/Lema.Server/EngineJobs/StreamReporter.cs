using System.Diagnostics;
using Lema.Engine.Streaming;
using Lema.Engine.Streaming.Planning;
using Lema.Engine.Training;
using Lema.Server.Workers;
using Proto = Lema.Protocol.V1;

namespace Lema.Server.EngineJobs;

/// <summary>
/// Tells twice a second where the units of a run's weights are and what the computation waits for. On a thread of its own, because a step may take minutes. Lives as
/// long as the job.
/// </summary>
internal sealed class StreamReporter : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(0.5);

    private readonly IWeightStream _stream;
    private readonly MemoryLedger _ledger;
    private readonly string _job;
    private readonly IJobContext _context;
    private readonly ManualResetEventSlim _end = new();
    private readonly Thread _thread;
    private Reading _before, _last;

    public StreamReporter(StreamOpened opened, string job, IJobContext context)
    {
        (_stream, _ledger, _job, _context) = (opened.Stream, opened.Ledger, job, context);
        _before = _last = Read();
        _thread = new Thread(Run) { IsBackground = true, Name = "stream reporter" };
        _thread.Start();
    }

    public void Dispose()
    {
        _end.Set();
        _thread.Join();
        _end.Dispose();
    }

    private void Run()
    {
        long visits = 0;
        while (!_end.Wait(Interval))
        {
            Proto.WorkerSample sample = Sample();
            _context.Report(sample, hasWorked: _last.Statistics.Visits > visits);
            visits = _last.Statistics.Visits;
        }
    }

    private Reading Read() => new(Stopwatch.GetTimestamp(), _stream.Statistics);

    /// <summary>Rates of the last second, which is two intervals.</summary>
    private Proto.WorkerSample Sample()
    {
        Reading now = Read();
        StreamStatistics from = _before.Statistics, to = now.Statistics;
        double seconds = Stopwatch.GetElapsedTime(_before.Time, now.Time).TotalSeconds;
        (_before, _last) = (_last, now);
        return new()
        {
            Job = _job,
            DiskBytesPerSecond = (to.DiskBytes - from.DiskBytes) / seconds,
            CopyBytesPerSecond = (to.DeviceBytes - from.DeviceBytes) / seconds,
            DiskStallShare = Math.Min(1, (to.DiskStallSeconds - from.DiskStallSeconds) / seconds),
            DeviceStallShare = Math.Min(1, (to.DeviceStallSeconds - from.DeviceStallSeconds) / seconds),
            HitShare = to.Visits > from.Visits ? (double)(to.Hits - from.Hits) / (to.Visits - from.Visits) : 0,
            LedgerBytes = _ledger.TotalBytes,
            LedgerPeakBytes = _ledger.PeakBytes,
            Pipeline = Picture(),
        };
    }

    private Proto.PipelineSample Picture()
    {
        StreamPicture picture = _stream.Picture;
        Proto.PipelineSample sample = new() { CurrentUnit = picture.Current };
        if (picture.Current >= 0) sample.Direction = picture.Descends ? Proto.PipelineSample.Types.Direction.Backward : Proto.PipelineSample.Types.Direction.Forward;
        sample.Units.AddRange(_stream.Units.Select(unit => unit.Name));
        sample.Slots.AddRange(picture.Slots.Select(slot => new Proto.SlotSample
        {
            Tier = slot.OnDevice ? Proto.Tier.Device : Proto.Tier.Host, State = ToProto(slot.State), Unit = slot.Unit, Bytes = slot.ByteCount,
        }));
        return sample;
    }

    private static Proto.SlotSample.Types.State ToProto(SlotState state) => state switch
    {
        SlotState.Loading => Proto.SlotSample.Types.State.Loading,
        SlotState.Ready => Proto.SlotSample.Types.State.Ready,
        SlotState.Leased => Proto.SlotSample.Types.State.Leased,
        SlotState.Pinned => Proto.SlotSample.Types.State.Pinned,
        _ => Proto.SlotSample.Types.State.Free,
    };

    private readonly record struct Reading(long Time, StreamStatistics Statistics);
}
