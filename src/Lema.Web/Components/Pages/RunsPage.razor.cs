using Lema.Web.Clients;
using Lema.Web.Feeds;
using Lema.Web.ViewModels;

namespace Lema.Web.Components.Pages;

/// <summary>All runs of all hosts, live.</summary>
public sealed partial class RunsPage
{
    private static readonly (string Id, string Word)[] Groups = [("all", "All"), ("active", "Active"), ("ended", "Not running")];

    private readonly List<(string Host, RunsFeed Feed)> _feeds = [];
    private readonly HashSet<string> _chosen = [];
    private IReadOnlyList<HostAccess> _hosts = [];
    private IReadOnlyList<RunRow> _rows = [];
    private RunQuery _query = new();
    private bool _known;

    protected override async Task OnInitializedAsync()
    {
        if (!IsLive) return;
        _hosts = await Daemons.AllAsync();
        foreach (HostAccess host in _hosts)
        {
            if (host.Connection is { } connection) _feeds.Add((host.Name, Follow(connection.WatchRuns())));
        }
        OnFeedChanged();
    }

    protected override void OnFeedChanged()
    {
        _rows = [.. _feeds.SelectMany(feed => feed.Feed.Runs.Select(run => new RunRow(feed.Host, run)))];
        _known = _rows.Count > 0 || _feeds.TrueForAll(feed => feed.Feed.Link.State is not LinkState.Connecting);
        _chosen.IntersectWith(_rows.Select(row => row.Key));
    }
}
