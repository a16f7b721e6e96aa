using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>Removes a run that has ended.</summary>
internal sealed class RunDeleteCommand : LemaCommand
{
    private readonly Argument<string> _run = RunArgument.Create();

    public RunDeleteCommand() : base("delete", "Remove a run that has ended, with its checkpoints.", "lema-remote run delete first --yes") => Add(_run);

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        string run = call.Get(_run);
        call.Confirm($"Delete the run {run} and its checkpoints?");
        await using HostConnection host = await call.ConnectAsync(cancellation);
        DeleteRunResponse answer = await host.Training.DeleteRunAsync(new DeleteRunRequest { Run = run }, cancellationToken: cancellation);
        call.Output.Result(answer, _ => call.Output.Note($"Deleted {run}."));
        return ExitCode.Done;
    }
}
