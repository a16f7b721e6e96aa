using Lema.Web.ViewModels;
using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;

namespace Lema.Web.Components.Charts;

/// <summary>
/// A live line chart on one canvas. Rendering sends the points that are new since the last rendering; hover, zoom, smoothing and the log axis are the
/// browser's work. Keyboard: arrows move the cursor, Enter marks the point, + zooms in, Escape shows everything.
/// </summary>
public sealed partial class LineChart
{
    private readonly Dictionary<string, (Curve Curve, CurvePosition Position)> _sent = [];
    private ElementReference _root;
    private IJSObjectReference? _module;
    private IJSObjectReference? _chart;
    private DotNetObjectReference<LineChart>? _self;
    private (double Smoothing, bool LogY, XAxis Axis, double? Mark) _configured;
    private IReadOnlyList<ChartSeries> _defined = [];
    private bool _sending;

    [Parameter, EditorRequired]
    public string Title { get; set; } = "";

    [Parameter, EditorRequired]
    public IReadOnlyList<ChartSeries> Series { get; set; } = [];

    /// <summary>Charts of one group share cursor and zoom.</summary>
    [Parameter]
    public string Group { get; set; } = Guid.NewGuid().ToString("n");

    [Parameter]
    public XAxis Axis { get; set; }

    /// <summary>"bytes", "seconds", "share" (0 to 1) or empty.</summary>
    [Parameter]
    public string YUnit { get; set; } = "";

    /// <summary>Weight of the moving average, 0 (none) to below 1.</summary>
    [Parameter]
    public double Smoothing { get; set; }

    [Parameter]
    public bool LogY { get; set; }

    [Parameter]
    public bool ZeroBased { get; set; }

    [Parameter]
    public bool ShowLegend { get; set; }

    /// <summary>In CSS pixels.</summary>
    [Parameter]
    public int Height { get; set; } = 220;

    [Parameter]
    public string EmptyText { get; set; } = "No points yet";

    /// <summary>The part of the axis in view, or null for all of it.</summary>
    [Parameter]
    public EventCallback<ZoomWindow?> Zoomed { get; set; }

    private string Summary
    {
        get
        {
            IEnumerable<string> lines = Series.Where(one => one.Curve.Count > 0)
                .Select(one => $"{one.Label}: {one.Curve.Count} points, last {Format(one.Curve.Last!.Value.Value)}");
            string text = string.Join("; ", lines);
            return text.Length > 0 ? $"{Title} over {Axis.Caption().ToLowerInvariant()}. {text}." : $"{Title}: no points yet.";
        }
    }

    /// <summary>A place on the axis that stays marked; null for none.</summary>
    [Parameter]
    public double? Mark { get; set; }

    /// <summary>A click, or Enter, on a point: its place on the axis.</summary>
    [Parameter]
    public EventCallback<double> Picked { get; set; }

    [JSInvokable]
    public Task PickedAsync(double x) => Picked.InvokeAsync(x);

    [JSInvokable]
    public Task ZoomedAsync(double? from, double? to) => Zoomed.InvokeAsync(from is { } low && to is { } high ? new ZoomWindow(low, high) : null);

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        try
        {
            if (firstRender) await CreateAsync();
            if (_chart is not null && !_sending) await SendAsync();
        }
        catch (Exception gone) when (gone is JSDisconnectedException or ObjectDisposedException or TaskCanceledException)
        {
            // The page was left while the chart was being fed.
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_chart is not null)
            {
                await _chart.InvokeVoidAsync("dispose");
                await _chart.DisposeAsync();
            }
            if (_module is not null) await _module.DisposeAsync();
        }
        catch (JSDisconnectedException)
        {
            // The browser has gone, and the chart with it.
        }
        _self?.Dispose();
    }

    private async Task CreateAsync()
    {
        _self = DotNetObjectReference.Create(this);
        _module = await Js.InvokeAsync<IJSObjectReference>("import", "./js/chart/chart.js");
        _configured = (Smoothing, LogY, Axis, Mark);
        _chart = await _module.InvokeAsync<IJSObjectReference>("create", _root, _self, new
        {
            Group, Smoothing, LogY, Mark, ZeroBased, YUnit, XUnit = Axis.Unit(), XName = Axis.Caption(),
        });
    }

    private async Task SendAsync()
    {
        _sending = true;
        try
        {
            if (_configured != (Smoothing, LogY, Axis, Mark)) await ConfigureAsync();
            if (!_defined.SequenceEqual(Series)) await DefineAsync();
            ChartPacket packet = new();
            foreach (ChartSeries one in _defined)
            {
                CurvePosition position = _sent.TryGetValue(one.Id, out var sent) && ReferenceEquals(sent.Curve, one.Curve) ? sent.Position : CurvePosition.Start;
                CurveSlice slice = one.Curve.ReadFrom(position);
                _sent[one.Id] = (one.Curve, slice.Position);
                packet.Add(one.Id, slice, Axis);
            }
            if (!packet.IsEmpty) await _chart!.InvokeVoidAsync("receive", packet.Parts, packet.ToBytes());
        }
        finally
        {
            _sending = false;
        }
    }

    private async Task ConfigureAsync()
    {
        if (_configured.Axis != Axis) _sent.Clear();
        bool sameAxis = _configured.Axis == Axis;
        _configured = (Smoothing, LogY, Axis, Mark);
        await _chart!.InvokeVoidAsync("configure", new { Smoothing, LogY, Mark, XUnit = Axis.Unit(), XName = Axis.Caption() });
        if (!sameAxis) await ResetZoomAsync();
    }

    private async Task DefineAsync()
    {
        _defined = [.. Series];
        foreach (string gone in _sent.Keys.Except(_defined.Select(one => one.Id)).ToList()) _sent.Remove(gone);
        await _chart!.InvokeVoidAsync("define", _defined.Select(one => new { one.Id, one.Label, one.Color, one.Dash, one.Sparse }));
    }

    private async Task ResetZoomAsync()
    {
        if (_chart is not null) await _chart.InvokeVoidAsync("resetZoom");
    }

    private string Format(double value) => YUnit switch
    {
        "bytes" => Figures.Bytes(value),
        "seconds" => Figures.Duration(value),
        "share" => Figures.Share(value),
        _ => Figures.Number(value),
    };
}
