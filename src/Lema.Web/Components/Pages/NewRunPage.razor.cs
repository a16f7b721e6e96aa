using Grpc.Core;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Web.Clients;
using Lema.Web.Components.Controls;
using Lema.Web.RunFiles;
using Lema.Web.ViewModels;
using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;

namespace Lema.Web.Components.Pages;

/// <summary>Writes a run as a form or as YAML, says at once what it would need, and starts it.</summary>
public sealed partial class NewRunPage
{
    private const string DraftKey = "lema-new-run";
    private const string YamlField = "yaml";
    private const int EstimateAttempts = 5;
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(350);
    private static readonly TimeSpan EstimatePatience = TimeSpan.FromMinutes(1);

    // One key a visit: a second click on start is the same run.
    private readonly string _idempotencyKey = Guid.NewGuid().ToString("n");
    private IReadOnlyList<DaemonConnection>? _hosts;
    private DaemonConnection? _connection;
    private IReadOnlyList<Model> _models = [];
    private IReadOnlyList<Dataset> _datasets = [];
    private IReadOnlyList<string> _linearModules = [];
    private bool _listed;
    private string _inspected = "";
    private RunDraft _draft = RunDraft.Fresh();
    private bool _asYaml;
    private string _yaml = "";
    private string? _yamlProblem;
    private string? _listProblem;
    private string? _takeOverProblem;
    private Estimate? _estimate;
    private Failure? _estimateFailure;
    private Failure? _startFailure;
    private bool _estimating;
    private int _estimateAttempt;
    private bool _starting;
    private CancellationTokenSource? _estimation;
    private FormDraft _kept = default!;
    private ElementReference _form;
    private bool _watched;

    [Inject]
    private IJSRuntime Js { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    [SupplyParameterFromQuery(Name = "host")]
    private string? HostName { get; set; }

    [SupplyParameterFromQuery(Name = "model")]
    private string? ModelName { get; set; }

    [SupplyParameterFromQuery(Name = "dataset")]
    private string? DatasetName { get; set; }

    /// <summary>A run whose settings are taken over.</summary>
    [SupplyParameterFromQuery(Name = "from")]
    private string? FromRun { get; set; }

    private bool CanStart => !_starting && _draft.Request.Dataset.Length > 0 && _yamlProblem is null && _estimate is not { Fits: false }
        && _estimateFailure is not { Kind: FailureKind.DoesNotFit or FailureKind.InvalidInput };

    public override async ValueTask DisposeAsync()
    {
        if (_estimation is not null) await _estimation.CancelAsync();
        await _kept.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override async Task OnInitializedAsync()
    {
        _kept = new(Js, DraftKey);
        if (!IsLive) return;
        _hosts = await Daemons.SignedInAsync();
        DaemonConnection? host = await Daemons.FindAsync(HostName) ?? (_hosts.Count > 0 ? _hosts[0] : null);
        if (host is null) return;
        await RecallAsync(host);
        await ChooseHostAsync(host.Name);
    }

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!_listed || _watched) return;
        _watched = true;
        await _kept.WatchAsync(_form);
    }

    private async Task RecallAsync(DaemonConnection host)
    {
        if (FromRun is not null && await TakeOverAsync(host, FromRun)) return;
        try
        {
            if (await _kept.RecallAsync() is { } kept) _draft = new(RunFileText.Read(kept));
        }
        catch (RunFileException)
        {
            // A draft of an older version of the page; the fresh one stands.
        }
        if (await _kept.RecallTypedAsync(YamlField) is not null) ShowYaml();
    }

    /// <returns>False where the host has no such run, or does not answer; the page says why.</returns>
    private async Task<bool> TakeOverAsync(DaemonConnection host, string other)
    {
        try
        {
            RunDetail run = await host.Training.GetRunAsync(new GetRunRequest { Run = other }, deadline: DaemonConnection.Soon);
            _draft = new(new StartRunRequest { Model = run.Summary.Model, Dataset = run.Summary.Dataset, EvaluationDataset = run.EvaluationDataset, Settings = run.Settings });
        }
        catch (RpcException failed)
        {
            _takeOverProblem = $"The settings of run {other} cannot be taken over. {Failure.From(failed).Message}";
            return false;
        }
        await _kept.ForgetAsync();
        return true;
    }

    private async Task ChooseHostAsync(string name)
    {
        _connection = await Daemons.FindAsync(name);
        if (_connection is null) return;
        (_models, _datasets, _listed, _listProblem, _inspected) = ([], [], false, null, "");
        StateHasChanged();
        try
        {
            Task<ListModelsResponse> models = _connection.Models.ListModelsAsync(new ListModelsRequest(), deadline: DaemonConnection.Soon).ResponseAsync;
            Task<ListDatasetsResponse> datasets = _connection.Datasets.ListDatasetsAsync(new ListDatasetsRequest(), deadline: DaemonConnection.Soon).ResponseAsync;
            _models = [.. (await models).Models];
            _datasets = [.. (await datasets).Datasets];
            _listed = true;
        }
        catch (RpcException failed)
        {
            _listProblem = Failure.From(failed).Message;
            return;
        }
        StartRunRequest run = _draft.Request;
        run.Model = Pick(ModelName, run.Model, _models.Where(model => model.Problem.Length == 0).Select(model => model.Name));
        run.Dataset = Pick(DatasetName, run.Dataset, _datasets.Where(dataset => !_datasets.Any(other => other.Heldout == dataset.Name)).Select(dataset => dataset.Name));
        if (Left.IsCancellationRequested) return;
        // What the link asked for is in the draft now, which a reload finds again, changed or not.
        Navigation.NavigateTo(PageLink.ToNewRun(name), replace: true);
        await ChangeAsync(() => { });
    }

    private static string Pick(string? asked, string current, IEnumerable<string> there)
    {
        string[] names = [.. there];
        return names.Contains(asked) ? asked! : names.Contains(current) ? current : names.FirstOrDefault() ?? "";
    }

    private async Task ChangeAsync(Action change)
    {
        change();
        _startFailure = null;
        if (_asYaml && _yamlProblem is null) _yaml = RunFileText.Write(_draft.Request);
        await _kept.KeepAsync(RunFileText.Write(_draft.Request));
        await InspectAsync();
        await EstimateAsync();
    }

    private async Task InspectAsync()
    {
        string model = _draft.Request.Model;
        if (_connection is null || model.Length == 0 || _inspected == model) return;
        _inspected = model;
        try
        {
            _linearModules = [.. (await _connection.Models.InspectModelAsync(new InspectModelRequest { Name = model }, deadline: DaemonConnection.Soon)).LinearModules];
        }
        catch (RpcException)
        {
            _linearModules = []; // Only suggestions are missing; the estimate says what is wrong with the model.
        }
    }

    private async Task EstimateAsync()
    {
        if (_connection is null || _draft.Request.Model.Length == 0 || _draft.Request.Dataset.Length == 0) return;
        if (_estimation is not null) await _estimation.CancelAsync();
        using CancellationTokenSource estimation = CancellationTokenSource.CreateLinkedTokenSource(Left);
        _estimation = estimation;
        _estimating = true;
        StateHasChanged();
        try
        {
            await Task.Delay(Settle, estimation.Token);
            EstimateRunRequest request = new() { Model = _draft.Request.Model, Dataset = _draft.Request.Dataset, Settings = _draft.Request.Settings };
            _estimate = await AskForEstimateAsync(_connection, request, estimation.Token);
            _estimateFailure = null;
        }
        catch (Exception left) when (estimation.IsCancellationRequested && left is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled })
        {
            return;
        }
        catch (RpcException failed)
        {
            _estimate = null;
            _estimateFailure = Failure.From(failed);
        }
        finally
        {
            if (_estimation == estimation)
            {
                _estimation = null;
                _estimating = false;
            }
        }
    }

    /// <summary>A host that is busy may be late: it is asked again, and the page says so.</summary>
    private async Task<Estimate> AskForEstimateAsync(DaemonConnection host, EstimateRunRequest request, CancellationToken stop)
    {
        _estimateAttempt = 1;
        while (true)
        {
            try
            {
                return await host.Training.EstimateRunAsync(request, deadline: DateTime.UtcNow + EstimatePatience, cancellationToken: stop);
            }
            catch (RpcException late) when (late.StatusCode is StatusCode.DeadlineExceeded && _estimateAttempt < EstimateAttempts)
            {
                _estimateAttempt++;
                StateHasChanged();
                await Task.Delay(Settle, stop);
            }
        }
    }

    private string EstimateText() => _estimateAttempt > 1
        ? $"The host is busy and did not answer in time; asking again, {_estimateAttempt} of {EstimateAttempts}…"
        : "Calculating…";

    /// <summary>The run as it was last understood.</summary>
    private void ShowForm() => (_asYaml, _yamlProblem) = (false, null);

    private void ShowYaml()
    {
        _yaml = RunFileText.Write(_draft.Request);
        _yamlProblem = null;
        _asYaml = true;
    }

    private async Task TakeYamlAsync(string yaml)
    {
        _yaml = yaml;
        try
        {
            StartRunRequest run = RunFileText.Read(yaml);
            _yamlProblem = null;
            await ChangeAsync(() => _draft = new(run));
        }
        catch (RunFileException wrong)
        {
            _yamlProblem = wrong.Message;
        }
    }

    private async Task StartAsync()
    {
        _starting = true;
        try
        {
            StartRunRequest request = _draft.Request.Clone();
            request.IdempotencyKey = _idempotencyKey;
            RunDetail run = await _connection!.Training.StartRunAsync(request, deadline: DateTime.UtcNow.AddMinutes(1));
            await _kept.ForgetAsync();
            Navigation.NavigateTo(PageLink.ToRun(_connection.Name, run.Summary.Id));
        }
        catch (RpcException failed)
        {
            _startFailure = Failure.From(failed);
        }
        finally
        {
            _starting = false;
        }
    }
}
