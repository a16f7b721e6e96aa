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
            _compared.Add(new(host, run, ChartSeries.ColorOf(_compared.Count), Follow(connection.WatchRun(run))));
        }
        OnFeedChanged();
    }

    protected override void OnFeedChanged()
    {
        string[] names = [.. _compared.Select(one => one.Name)];
        if (_lines.Count == 0 || !_lines[0].Select(line => line.Label).SequenceEqual(names))
        {
            _lines = [.. Shown.Select(shown => _compared.Select(one => new ChartSeries(one.Host + "/" + one.Id, one.Name, one.Color, one.Feed.Curves[shown.Name], Sparse: ChartPlan.IsSparse(shown.Name))).ToList())];
        }
        List<RunDetail> details = [.. _compared.Select(one => one.Feed.Detail).OfType<RunDetail>()];
        _differences = details.Count == _compared.Count ? SettingsDifference.Between(details) : [];
    }

    private sealed record Compared(string Host, string Id, string Color, RunFeed Feed)
    {
        public string Name => Feed.Detail?.Summary.Name ?? Id;
    }
}
