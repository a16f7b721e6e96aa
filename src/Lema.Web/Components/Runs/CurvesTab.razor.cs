using System.Globalization;
using Lema.Protocol.V1;
using Lema.Web.Clients;
using Lema.Web.Components.Charts;
using Lema.Web.Conversations;
using Lema.Web.ViewModels;
using Microsoft.AspNetCore.Components;

namespace Lema.Web.Components.Runs;

/// <summary>A run's curves and a box to talk to its newest checkpoint. Zooming in fetches the points that the whole view leaves out.</summary>
public sealed partial class CurvesTab : IDisposable
{
    private static readonly ChartPlan[] Plans = ChartPlan.OfRun;

    private readonly string _group = Guid.NewGuid().ToString("n");
    private readonly string[] _examples = ["What is the capital of Kenya?", "Which element has the symbol Fe?"];
    private XAxis _axis;
    private bool _log;
    private double _smoothing = 0.6;
    private ZoomWindow? _zoom;
    private RunCurves? _refined;
    private CancellationTokenSource? _refinement;
    private readonly ChatOptions _options = new();
    private ChatTarget? _target;
    private ChatLane? _lane;
    private (RunCurves? Source, IReadOnlyList<IReadOnlyList<ChartSeries>> Lines) _drawn;

    [Inject]
    private ChatHistory History { get; set; } = default!;

    [Inject]
    private TimeProvider Clock { get; set; } = default!;

    [Parameter, EditorRequired]
    public DaemonConnection Connection { get; set; } = default!;

    [Parameter, EditorRequired]
    public RunDetail Detail { get; set; } = default!;

    [Parameter, EditorRequired]
    public RunCurves Curves { get; set; } = default!;

    /// <summary>A step that the page's address names.</summary>
    [Parameter]
    public long? Mark { get; set; }

    [Parameter]
    public EventCallback<long?> Marked { get; set; }

    /// <summary>Each run has one conversation on its own page.</summary>
    private string ChatId => $"run/{Connection.Name}/{Detail.Summary.Id}";

    private double? MarkOnAxis => Mark is { } step ? PlaceOf(step) : null;

    private IReadOnlyList<IReadOnlyList<ChartSeries>> Lines
    {
        get
        {
            RunCurves source = _refined ?? Curves;
            if (!ReferenceEquals(_drawn.Source, source)) _drawn = (source, LinesOf(source));
            return _drawn.Lines;
        }
    }

    public void Dispose() => _refinement?.Cancel();

    protected override async Task OnParametersSetAsync()
    {
        if (_target is not null || Detail.Checkpoints.Count == 0) return;
        _target = new ChatTarget(Connection, null, Detail.Summary);
        KeptChat? kept = await History.OpenAsync(ChatId);
        ChatLane lane = NewLane(_target);
        if (kept is { Lanes: [var turns, ..] }) lane.Restore(turns);
        _lane = lane;
    }

    private static ChatLane NewLane(ChatTarget target) => target.Lanes("last", besideBase: false)[0];

    private async Task KeepAsync()
    {
        if (_lane is not { Turns: [var first, ..] }) return;
        await History.KeepAsync(new KeptChat { Head = ChatHead.Of(ChatId, first.Question, _target!.Label, Clock.GetUtcNow()), Target = _target.Key, Options = _options, Lanes = [_lane.Keep()] });
    }

    private async Task StartOverAsync()
    {
        await History.ForgetAsync(ChatId);
        _lane = NewLane(_target!);
    }

    private static IReadOnlyList<IReadOnlyList<ChartSeries>> LinesOf(RunCurves source) =>
        [.. Plans.Select(plan => plan.Names.Select((name, i) => new ChartSeries(name, ChartPlan.LabelOf(name), ChartSeries.ColorOf(i), source[name], Sparse: ChartPlan.IsSparse(name))).ToList())];

    private string Last(string series) => Curves[series].Last is { } last ? Figures.Number(last.Value) : Figures.None;

    private string StallShare() =>
        Curves[SeriesNames.StepSeconds].Last is { Value: > 0 } step && Curves[SeriesNames.StallSeconds].Last is { } stall ? Figures.Share(stall.Value / step.Value) : Figures.None;

    private void Smooth(ChangeEventArgs input)
    {
        if (double.TryParse((string?)input.Value, CultureInfo.InvariantCulture, out double weight)) _smoothing = Math.Clamp(weight, 0, 0.98);
    }

    private double? PlaceOf(long step)
    {
        if (_axis is XAxis.Step) return step;
        CurvePoint[] points = Curves[SeriesNames.Loss].ReadFrom(CurvePosition.Start).Points;
        int index = Array.FindIndex(points, point => point.Step >= step);
        return index >= 0 ? _axis.Of(points[index]) : null;
    }

    private Task PickAsync(double place)
    {
        CurvePoint[] points = Curves[SeriesNames.Loss].ReadFrom(CurvePosition.Start).Points;
        if (points.Length == 0) return Task.CompletedTask;
        return Marked.InvokeAsync(_axis is XAxis.Step ? (long)place : points.MinBy(point => Math.Abs(_axis.Of(point) - place)).Step);
    }

    private async Task ZoomAsync(ZoomWindow? window)
    {
        if (_refinement is not null) await _refinement.CancelAsync();
        (_zoom, _refined, _refinement) = (window, null, null);
        if (window is null) return;
        using CancellationTokenSource refinement = new();
        _refinement = refinement;
        RunCurves? fine = await FineCurves.AskAsync(Connection, Detail.Summary.Id, Curves, _axis, window, refinement.Token);
        if (_refinement != refinement) return;
        (_refined, _refinement) = (fine, null);
    }
}
