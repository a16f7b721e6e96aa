using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Following;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>Ends a run.</summary>
internal sealed class RunStopCommand : LemaCommand
{
    private readonly Argument<string> _run = RunArgument.Create();
    private readonly Option<bool> _discard = new("--discard") { Description = "End at once, without a checkpoint of the last finished step." };

    public RunStopCommand() : base("stop", "Save a checkpoint of the last finished step and end the run.", "lema-remote run stop first")
    {
        Add(_run);
        Add(_discard);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        await using HostConnection host = await call.ConnectAsync(cancellation);
        RunDetail detail = await host.Training.StopRunAsync(new StopRunRequest { Run = call.Get(_run), Discard = call.Get(_discard) }, cancellationToken: cancellation);
        call.Output.Result(detail, _ => call.Output.Note($"{detail.Summary.Name} is {RunText.State(detail.Summary.State)}."));
        return ExitCode.Done;
    }
}
