using Grpc.Core;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Web.Clients;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Lema.Web.Components.Runs;

/// <summary>A run's name, state, progress, and what can be done with it now.</summary>
public sealed partial class RunHeader
{
    private bool _acting;

    [Parameter, EditorRequired]
    public DaemonConnection Connection { get; set; } = default!;

    [Parameter, EditorRequired]
    public RunDetail Detail { get; set; } = default!;

    private RunSummary Summary => Detail.Summary;

    private Task PauseAsync() =>
        ActAsync(deadline => Connection.Training.PauseRunAsync(new PauseRunRequest { Run = Summary.Id }, deadline: deadline).ResponseAsync, "The run saves a checkpoint and pauses.");

    private Task ResumeAsync() =>
        ActAsync(deadline => Connection.Training.ResumeRunAsync(new ResumeRunRequest { Run = Summary.Id }, deadline: deadline).ResponseAsync, "The run is queued again.");

    private async Task StopAsync()
    {
        bool? sure = await Dialogs.ShowMessageBoxAsync(
            "Stop this run?", "It saves a checkpoint of the last finished step and ends. It can be resumed later.", yesText: "Stop the run", cancelText: "Go on");
        if (sure != true) return;
        await ActAsync(deadline => Connection.Training.StopRunAsync(new StopRunRequest { Run = Summary.Id }, deadline: deadline).ResponseAsync, "The run saves a checkpoint and stops.");
    }

    private async Task DeleteAsync()
    {
        bool? sure = await Dialogs.ShowMessageBoxAsync(
            "Delete this run?", $"{Summary.Name}, its {Detail.Checkpoints.Count} checkpoints and its curves are removed for good. Merged models stay.", yesText: "Delete", cancelText: "Keep");
        if (sure != true) return;
        bool gone = await ActAsync(deadline => Connection.Training.DeleteRunAsync(new DeleteRunRequest { Run = Summary.Id }, deadline: deadline).ResponseAsync, $"{Summary.Name} is deleted.");
        if (gone) Navigation.NavigateTo("");
    }

    private async Task<bool> ActAsync<T>(Func<DateTime, Task<T>> call, string done)
    {
        _acting = true;
        try
        {
            await call(DaemonConnection.Soon);
            Snackbar.Add(done, Severity.Success);
            return true;
        }
        catch (RpcException failed)
        {
            Snackbar.Add(Failure.From(failed).Message, Severity.Error);
            return false;
        }
        finally
        {
            _acting = false;
        }
    }
}
