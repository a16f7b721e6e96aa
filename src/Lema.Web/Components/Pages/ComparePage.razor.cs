using System.Globalization;
using Lema.Protocol.V1;
using Lema.Web.Clients;
using Lema.Web.Components.Charts;
using Lema.Web.Components.Runs;
using Lema.Web.Feeds;
using Lema.Web.ViewModels;
using Microsoft.AspNetCore.Components;

namespace Lema.Web.Components.Pages;

/// <summary>Several runs, of any hosts, laid over each other, and the settings in which they differ.</summary>
public sealed partial class ComparePage
{
    /// <summary>As many as there are colours.</summary>
    private const int MostRuns = 8;

    private static readonly (string Name, string Unit)[] Shown =
    [
        (SeriesNames.Loss, ""), (SeriesNames.EvaluationLoss, ""), (SeriesNames.GradNorm, ""), (SeriesNames.TokensPerSecond, ""), (SeriesNames.RightAnswerShare, "share"),
    ];

    private readonly string _group = Guid.NewGuid().ToString("n");
    private readonly List<Compared> _compared = [];
    private IReadOnlyList<IReadOnlyList<ChartSeries>> _lines = [];
    private IReadOnlyList<SettingsDifference> _differences = [];
    private string? _problem;
    private string _asked = "";
    private XAxis _axis;
    private bool _log;
    private double _smoothing = 0.6;
    private CancellationTokenSource? _refinement;

    /// <summary>HOST/ID of each run.</summary>
    [SupplyParameterFromQuery(Name = "run")]
    private string[]? Runs { get; set; }

    protected override async Task OnParametersSetAsync()
    {
        string asked = string.Join('\n', Runs ?? []);
        if (!IsLive || _asked == asked) return;
        _asked = asked;
        await UnfollowAllAsync();
        _compared.Clear();
        _problem = (Runs?.Length ?? 0) > MostRuns ? $"The first {MostRuns} runs are shown." : null;
        foreach (string reference in (Runs ?? []).Take(MostRuns))
        {
            if (reference.Split('/', 2) is not [var host, var run] || await Daemons.FindAsync(host) is not { } connection)
            {
                _problem = $"You are not signed in to the host of {reference}.";
                continue;
            }
            _compared.Add(new(connection, run, ChartSeries.ColorOf(_compared.Count), Follow(connection.WatchRun(run))));
        }
        OnFeedChanged();
    }

    protected override void OnFeedChanged()
    {
        if (_lines.Count == 0 || !_lines[0].Select(line => line.Label).SequenceEqual(_compared.Select(one => one.Name))) Draw();
        List<RunDetail> details = [.. _compared.Select(one => one.Feed.Detail).OfType<RunDetail>()];
        _differences = details.Count == _compared.Count ? SettingsDifference.Between(details) : [];
    }

    public override async ValueTask DisposeAsync()
    {
        if (_refinement is not null) await _refinement.CancelAsync();
        await base.DisposeAsync();
    }

    private void Draw() => _lines =
        [.. Shown.Select(shown => _compared.Select(one => new ChartSeries(one.Host + "/" + one.Id, one.Name, one.Color, (one.Fine ?? one.Feed.Curves)[shown.Name], Sparse: ChartPlan.IsSparse(shown.Name))).ToList())];

    private void Smooth(ChangeEventArgs input)
    {
        if (double.TryParse((string?)input.Value, CultureInfo.InvariantCulture, out double weight)) _smoothing = Math.Clamp(weight, 0, 0.98);
    }

    private async Task ZoomAsync(ZoomWindow? window)
    {
        if (_refinement is not null) await _refinement.CancelAsync();
        _refinement = null;
        foreach (Compared one in _compared) one.Fine = null;
        Draw();
        if (window is null) return;
        using CancellationTokenSource refinement = new();
        _refinement = refinement;
        Compared[] compared = [.. _compared];
        RunCurves?[] fine = await Task.WhenAll(compared.Select(one => FineCurves.AskAsync(one.Connection, one.Id, one.Feed.Curves, _axis, window, refinement.Token)));
        if (_refinement != refinement) return;
        _refinement = null;
        foreach ((Compared one, RunCurves? curves) in compared.Zip(fine)) one.Fine = curves;
        Draw();
    }

    private sealed class Compared(DaemonConnection connection, string id, string color, RunFeed feed)
    {
        public DaemonConnection Connection => connection;

        public string Host => connection.Name;

        public string Id => id;

        public string Color => color;

        public RunFeed Feed => feed;

        public string Name => feed.Detail?.Summary.Name ?? id;

        /// <summary>The part that is zoomed to; null: all of it, as the feed has it.</summary>
        public RunCurves? Fine { get; set; }
    }
}
