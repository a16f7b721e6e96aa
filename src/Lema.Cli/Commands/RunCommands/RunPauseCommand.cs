using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Following;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>Gives the machine free without losing the run.</summary>
internal sealed class RunPauseCommand : LemaCommand
{
    private readonly Argument<string> _run = RunArgument.Create();

    public RunPauseCommand() : base("pause", "Save a checkpoint after the step in progress and give the machine free.", "lema-remote run pause first") => Add(_run);

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        await using HostConnection host = await call.ConnectAsync(cancellation);
        RunDetail detail = await host.Training.PauseRunAsync(new PauseRunRequest { Run = call.Get(_run) }, cancellationToken: cancellation);
        call.Output.Result(detail, _ => call.Output.Note($"{detail.Summary.Name} is {RunText.State(detail.Summary.State)}."));
        return ExitCode.Done;
    }
}
