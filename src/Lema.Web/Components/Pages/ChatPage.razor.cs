using System.Globalization;
using Grpc.Core;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Web.Clients;
using Lema.Web.Conversations;
using Lema.Web.ViewModels;
using Microsoft.AspNetCore.Components;

namespace Lema.Web.Components.Pages;

/// <summary>Talks to a model or to a run's checkpoint, with the base beside it. The browser keeps what was said.</summary>
public sealed partial class ChatPage
{
    private readonly string[] _examples = ["What is the capital of Kenya?", "Which element has the symbol Fe?", "Who wrote Don Quixote?"];
    private ChatOptions _options = new();
    private IReadOnlyList<DaemonConnection>? _hosts;
    private IReadOnlyList<ChatTarget> _targets = [];
    private ChatTarget? _chosen;
    private IReadOnlyList<string> _steps = [];
    private string _checkpoint = "last";
    private bool _besideBase = true;
    private string _id = "";
    private IReadOnlyList<ChatLane> _lanes = [];
    private IReadOnlyList<ChatHead> _earlier = [];
    private KeptChat? _asked;
    private bool _gathered;
    private string? _problem;

    [Inject]
    private ChatHistory History { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    [Inject]
    private TimeProvider Clock { get; set; } = default!;

    [SupplyParameterFromQuery(Name = "host")]
    private string? HostName { get; set; }

    [SupplyParameterFromQuery(Name = "run")]
    private string? RunId { get; set; }

    [SupplyParameterFromQuery(Name = "model")]
    private string? ModelName { get; set; }

    [SupplyParameterFromQuery(Name = "checkpoint")]
    private string? CheckpointStep { get; set; }

    /// <summary>A conversation that this browser keeps.</summary>
    [SupplyParameterFromQuery(Name = "conversation")]
    private string? ConversationId { get; set; }

    private bool AsksForOne => _asked is not null || RunId is not null || ModelName is not null;

    protected override async Task OnInitializedAsync()
    {
        if (!IsLive) return;
        _hosts = await Daemons.SignedInAsync();
        _earlier = await History.ListAsync();
        if (ConversationId is { Length: > 0 } id) _asked = await History.OpenAsync(id);
        await Task.WhenAll(_hosts.Select(GatherAsync));
        _gathered = true;
        if (_chosen is not null) return;
        if (AsksForOne) _problem ??= "What this link leads to is not there any more.";
        if (FirstTarget() is { } any) Choose(any, "last");
    }

    /// <summary>A host that answers late, or not at all, holds up no other.</summary>
    private async Task GatherAsync(DaemonConnection host)
    {
        try
        {
            Task<ListModelsResponse> models = host.Models.ListModelsAsync(new ListModelsRequest(), deadline: DaemonConnection.Soon).ResponseAsync;
            Task<ListRunsResponse> runs = host.Training.ListRunsAsync(new ListRunsRequest(), deadline: DaemonConnection.Soon).ResponseAsync;
            IEnumerable<ChatTarget> found = (await models).Models.Where(model => model.Problem.Length == 0).Select(model => new ChatTarget(host, model.Name, null))
                .Concat((await runs).Runs.Where(run => run.Step > 0).Select(run => new ChatTarget(host, null, run)));
            _targets = [.. _targets.Concat(found).OrderBy(target => target.Group, StringComparer.Ordinal)];
            if (_chosen is null) Begin(AsksForOne ? AskedTarget() : FirstTarget());
        }
        catch (RpcException failed)
        {
            _problem = $"{host.Name}: {Failure.From(failed).Message}";
        }
        StateHasChanged();
    }

    private ChatTarget? FirstTarget() => _targets.FirstOrDefault(target => target.Run is not null) ?? _targets.FirstOrDefault();

    private ChatTarget? AskedTarget() => _targets.FirstOrDefault(target => _asked is not null
        ? target.Key == _asked.Target
        : target.Connection.Name == HostName && (RunId is not null ? target.Run?.Id == RunId || target.Run?.Name == RunId : target.Run is null && target.Model == ModelName));

    private void Begin(ChatTarget? target)
    {
        if (target is null) return;
        if (_asked is { } kept) TakeUp(target, kept);
        else Choose(target, CheckpointStep is { Length: > 0 } step ? step : "last");
    }

    private void Choose(string key)
    {
        if (_targets.FirstOrDefault(target => target.Key == key) is { } target) Choose(target, "last");
    }

    private void Choose(ChatTarget target, string checkpoint)
    {
        _chosen = target;
        _checkpoint = checkpoint;
        Renew();
        LoadSteps(target);
    }

    private void LoadSteps(ChatTarget target)
    {
        _steps = [];
        if (target.Run is not null) _ = InvokeAsync(() => LoadStepsAsync(target));
    }

    private async Task LoadStepsAsync(ChatTarget target)
    {
        try
        {
            RunDetail run = await target.Connection.Training.GetRunAsync(new GetRunRequest { Run = target.Run!.Id }, deadline: DaemonConnection.Soon, cancellationToken: Left);
            if (_chosen != target) return;
            _steps = [.. run.Checkpoints.OrderByDescending(checkpoint => checkpoint.Step).Select(checkpoint => checkpoint.Step.ToString(CultureInfo.InvariantCulture))];
        }
        catch (RpcException failed)
        {
            if (Left.IsCancellationRequested) return;
            _problem = Failure.From(failed).Message;
        }
        StateHasChanged();
    }

    private void ChooseCheckpoint(string checkpoint)
    {
        _checkpoint = checkpoint;
        Renew();
    }

    private void SetBeside(bool beside)
    {
        _besideBase = beside;
        Renew();
    }

    /// <summary>A conversation from its beginning; the one so far stays among the earlier ones.</summary>
    private void Renew()
    {
        _id = Guid.NewGuid().ToString("n");
        _lanes = _chosen?.Lanes(_checkpoint, _besideBase) ?? [];
    }

    private void TakeUp(ChatTarget target, KeptChat kept)
    {
        _chosen = target;
        _id = kept.Head.Id;
        _checkpoint = kept.Checkpoint;
        _besideBase = kept.BesideBase;
        _options = kept.Options;
        _lanes = target.Lanes(_checkpoint, _besideBase);
        foreach ((ChatLane lane, IReadOnlyList<KeptTurn> turns) in _lanes.Zip(kept.Lanes)) lane.Restore(turns);
        LoadSteps(target);
    }

    private async Task OpenAsync(ChatHead head)
    {
        if (await History.OpenAsync(head.Id) is not { } kept) return;
        if (_targets.FirstOrDefault(target => target.Key == kept.Target) is { } target) TakeUp(target, kept);
        else _problem = $"{head.Label} is not there any more, or its host is away.";
        ShowInAddress();
    }

    private async Task ForgetAsync(ChatHead head)
    {
        await History.ForgetAsync(head.Id);
        _earlier = await History.ListAsync();
        if (head.Id == _id) Renew();
    }

    private async Task KeepAsync()
    {
        if (_chosen is not { } target || _lanes is not [{ Turns: [var first, ..] }, ..]) return;
        await History.KeepAsync(new KeptChat
        {
            Head = ChatHead.Of(_id, first.Question, target.Label, Clock.GetUtcNow()),
            Target = target.Key, Checkpoint = _checkpoint, BesideBase = _besideBase, Options = _options, Lanes = [.. _lanes.Select(lane => lane.Keep())],
        });
        if (Left.IsCancellationRequested) return;
        _earlier = await History.ListAsync();
        ShowInAddress();
    }

    /// <summary>A reload comes back to this conversation.</summary>
    private void ShowInAddress() =>
        Navigation.NavigateTo(PageLink.ToChat(_chosen!.Connection.Name, _chosen.Run?.Id, model: _chosen.Run is null ? _chosen.Model : null, conversation: _id), replace: true);
}
