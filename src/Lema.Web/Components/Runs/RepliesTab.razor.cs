using Grpc.Core;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Web.Clients;
using Microsoft.AspNetCore.Components;

namespace Lema.Web.Components.Runs;

/// <summary>What the run answered to held-out questions; a new evaluation is fetched when it comes.</summary>
public sealed partial class RepliesTab
{
    private ListRepliesResponse? _answer;
    private string? _problem;
    private int _evaluations = -1;

    [Parameter, EditorRequired]
    public DaemonConnection Connection { get; set; } = default!;

    [Parameter, EditorRequired]
    public RunDetail Detail { get; set; } = default!;

    protected override async Task OnParametersSetAsync()
    {
        if (_evaluations == Detail.Evaluations.Count) return;
        _evaluations = Detail.Evaluations.Count;
        await LoadAsync(0);
    }

    private async Task LoadAsync(long step)
    {
        try
        {
            _answer = await Connection.Training.ListRepliesAsync(new ListRepliesRequest { Run = Detail.Summary.Id, Step = step }, deadline: DaemonConnection.Soon);
            _problem = null;
        }
        catch (RpcException failed)
        {
            _problem = Failure.From(failed).Message;
        }
    }

    private static string FirstLine(string text)
    {
        string line = text.TrimStart().Split('\n', 2)[0];
        return line.Length == 0 ? "(empty)" : line.Length > 90 ? line[..90] + "…" : line;
    }
}
