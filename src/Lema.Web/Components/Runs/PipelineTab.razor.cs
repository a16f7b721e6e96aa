using Lema.Protocol.V1;
using Lema.Web.Clients;
using Lema.Web.Components.Charts;
using Lema.Web.Feeds;
using Lema.Web.ViewModels;
using Microsoft.AspNetCore.Components;

namespace Lema.Web.Components.Runs;

/// <summary>The pipeline as it happens: layers between disk, RAM and VRAM, bandwidth and waiting a tier, memory against the plan.</summary>
public sealed partial class PipelineTab
{
    private readonly string _group = Guid.NewGuid().ToString("n");
    private readonly Curve _disk = new(), _diskStall = new(), _deviceStall = new(), _rss = new(), _planned = new(), _processor = new();
    private readonly IReadOnlyList<ChartSeries> _diskLine, _stalls, _diskStalls, _memory, _processorLine;
    private TelemetryFeed? _feed;
    private WorkerSample? _worker;
    private IReadOnlyList<DeviceSample> _devices = [];
    private PipelinePicture? _picture;
    private DateTime _begin;
    private DateTime _last;
    private long _samples;

    public PipelineTab()
    {
        _diskLine = [new(nameof(_disk), "Disk", "--tier-disk", _disk)];
        _processorLine = [new(nameof(_processor), "Processors", "--series-1", _processor)];
        _stalls = [new(nameof(_diskStall), "For disk", "--tier-disk", _diskStall), new(nameof(_deviceStall), "For device", "--tier-vram", _deviceStall)];
        _diskStalls = [_stalls[0]];
        _memory = [new(nameof(_rss), "In use", "--tier-ram", _rss), new(nameof(_planned), "Plan", "--chart-cross", _planned, Dash: true)];
    }

    [Parameter, EditorRequired]
    public DaemonConnection Connection { get; set; } = default!;

    [Parameter, EditorRequired]
    public RunDetail Detail { get; set; } = default!;

    private bool HasDevice => _picture?.Device.Slots.Count > 0;

    protected override void OnInitialized()
    {
        _feed = Follow(Connection.WatchTelemetry(Detail.Summary.Id));
        OnFeedChanged();
    }

    protected override void OnFeedChanged()
    {
        foreach (TelemetrySample sample in _feed!.Samples)
        {
            DateTime time = sample.Time.ToDateTime();
            if (time <= _last) continue;
            _last = time;
            _devices = sample.Devices;
            _worker = sample.Workers.FirstOrDefault(worker => worker.Job == Detail.Summary.Id);
            if (_worker is not null) Draw(sample.Host, _worker, time);
        }
        _picture = _worker?.Pipeline is { Units.Count: > 0 } pipeline ? PipelinePicture.Of(pipeline) : null;
    }

    private void Draw(HostSample? host, WorkerSample worker, DateTime time)
    {
        if (_begin == default) _begin = time;
        double seconds = (time - _begin).TotalSeconds;
        _samples++;
        void Add(Curve curve, double value) => curve.Append(new CurvePoint(_samples, value, seconds, 0));
        Add(_disk, worker.DiskBytesPerSecond);
        Add(_diskStall, worker.DiskStallShare);
        Add(_deviceStall, worker.DeviceStallShare);
        Add(_rss, worker.RssBytes);
        if (worker.PlannedBytes > 0) Add(_planned, worker.PlannedBytes);
        if (host is not null) Add(_processor, host.ProcessorShare);
    }

    private static string DirectionText(PipelinePicture picture) => picture.Direction switch
    {
        PipelineSample.Types.Direction.Forward => $"Forward, at {picture.NameOf(picture.Current)}",
        PipelineSample.Types.Direction.Backward => $"Backward, at {picture.NameOf(picture.Current)}",
        _ => "Between two passes",
    };
}
