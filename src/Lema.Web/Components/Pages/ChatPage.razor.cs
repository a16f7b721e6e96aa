using System.Globalization;
using Grpc.Core;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Web.Clients;
using Lema.Web.Conversations;
using Microsoft.AspNetCore.Components;

namespace Lema.Web.Components.Pages;

/// <summary>Talks to a model or to a run's checkpoint, with the base beside it.</summary>
public sealed partial class ChatPage
{
    private readonly string[] _examples = ["What is the capital of Kenya?", "Which element has the symbol Fe?", "Who wrote Don Quixote?"];
    private readonly ChatOptions _options = new();
    private IReadOnlyList<DaemonConnection>? _hosts;
    private List<ChatTarget> _targets = [];
    private ChatTarget? _chosen;
    private IReadOnlyList<string> _steps = [];
    private string _checkpoint = "last";
    private bool _besideBase = true;
    private IReadOnlyList<ChatLane> _lanes = [];
    private string? _problem;

    [SupplyParameterFromQuery(Name = "host")]
    private string? HostName { get; set; }

    [SupplyParameterFromQuery(Name = "run")]
    private string? RunId { get; set; }

    [SupplyParameterFromQuery(Name = "model")]
    private string? ModelName { get; set; }

    [SupplyParameterFromQuery(Name = "checkpoint")]
    private string? CheckpointStep { get; set; }

    protected override async Task OnInitializedAsync()
    {
        if (!IsLive) return;
        _hosts = await Daemons.SignedInAsync();
        await Task.WhenAll(_hosts.Select(GatherAsync));
        _targets = [.. _targets.OrderBy(target => target.Group, StringComparer.Ordinal)];
        _checkpoint = CheckpointStep is { Length: > 0 } ? CheckpointStep : "last";
        ChatTarget? first = _targets.Find(target => target.Connection.Name == HostName && (RunId is not null ? target.Run?.Id == RunId || target.Run?.Name == RunId : target.Model == ModelName))
            ?? _targets.Find(target => target.Run is not null) ?? _targets.FirstOrDefault();
        if (first is not null) Choose(first.Key, _checkpoint);
    }

    private async Task GatherAsync(DaemonConnection host)
    {
        try
        {
            Task<ListModelsResponse> models = host.Models.ListModelsAsync(new ListModelsRequest(), deadline: DaemonConnection.Soon).ResponseAsync;
            Task<ListRunsResponse> runs = host.Training.ListRunsAsync(new ListRunsRequest(), deadline: DaemonConnection.Soon).ResponseAsync;
            _targets.AddRange((await models).Models.Where(model => model.Problem.Length == 0).Select(model => new ChatTarget(host, model.Name, null)));
            _targets.AddRange((await runs).Runs.Where(run => run.Step > 0).Select(run => new ChatTarget(host, null, run)));
        }
        catch (RpcException failed)
        {
            _problem = $"{host.Name}: {Failure.From(failed).Message}";
        }
    }

    private void Choose(string key) => Choose(key, "last");

    private void Choose(string key, string checkpoint)
    {
        _chosen = _targets.Find(target => target.Key == key);
        _checkpoint = checkpoint;
        _steps = [];
        Begin();
        if (_chosen?.Run is not null) _ = InvokeAsync(LoadStepsAsync);
    }

    private async Task LoadStepsAsync()
    {
        ChatTarget target = _chosen!;
        try
        {
            RunDetail run = await target.Connection.Training.GetRunAsync(new GetRunRequest { Run = target.Run!.Id }, deadline: DaemonConnection.Soon);
            if (_chosen != target) return;
            _steps = [.. run.Checkpoints.OrderByDescending(checkpoint => checkpoint.Step).Select(checkpoint => checkpoint.Step.ToString(CultureInfo.InvariantCulture))];
            StateHasChanged();
        }
        catch (RpcException failed)
        {
            _problem = Failure.From(failed).Message;
            StateHasChanged();
        }
    }

    private void ChooseCheckpoint(string checkpoint)
    {
        _checkpoint = checkpoint;
        Begin();
    }

    private void SetBeside(bool beside)
    {
        _besideBase = beside;
        Begin();
    }

    private void Begin() => _lanes = _chosen?.Lanes(_checkpoint, _besideBase) ?? [];

    private void Clear() => Begin();
}
