using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Following;
using Lema.Cli.Rendering;
using Lema.Protocol.V1;
using Spectre.Console;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>The runs of a host.</summary>
internal sealed class RunListCommand : LemaCommand
{
    private readonly Option<string[]> _state = new("--state")
    {
        Description = "Only runs in this state; may be given often.",
        HelpName = "STATE",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<int> _limit = new("--limit", "-n") { Description = "Runs shown, newest first.", DefaultValueFactory = _ => 100 };

    public RunListCommand() : base("list", "The runs of the host, newest first.", "lema-remote run list --state running --state queued")
    {
        _state.AcceptOnlyFromAmong([.. Enum.GetValues<RunState>().Where(s => s != RunState.Unspecified).Select(RunText.State)]);
        Add(_state);
        Add(_limit);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        await using HostConnection host = await call.ConnectAsync(cancellation);
        ListRunsRequest request = new() { PageSize = Math.Clamp(call.Get(_limit), 1, 1000) };
        request.States.AddRange((call.Get(_state) ?? []).Select(s => Enum.Parse<RunState>(s, ignoreCase: true)));
        ListRunsResponse answer = await host.Training.ListRunsAsync(request, cancellationToken: cancellation);
        call.Output.Result(answer, console => Write(console, answer));
        if (answer.Runs.Count == 0) call.Output.Note(request.States.Count > 0 ? "No run is in that state." : "There is no run yet. Start one: lema-remote train --model MODEL --dataset DATASET");
        return ExitCode.Done;
    }

    private static void Write(IAnsiConsole console, ListRunsResponse answer)
    {
        TextTable table = new(
            new("NAME"), new("STATE"), new("STEP", 1, Right: true), new("LOSS", 2, Right: true), new("LEFT", 3, Right: true), new("MODEL", 4), new("DATASET", 5),
            new("CREATED", 6), new("ID", 7));
        foreach (RunSummary run in answer.Runs)
        {
            table.Add(
                run.Name, RunText.State(run.State), run.TotalSteps > 0 ? $"{run.Step}/{run.TotalSteps}" : $"{run.Step}", run.HasLastLoss ? Quantity.Loss(run.LastLoss) : "",
                run.HasSecondsLeft && !RunText.HasEnded(run.State) ? Quantity.Duration(run.SecondsLeft) : "", run.Model, run.Dataset,
                run.Created is null ? "" : Quantity.Time(run.Created.ToDateTimeOffset()), run.Id);
        }
        if (!table.IsEmpty) table.Write(console);
    }
}
