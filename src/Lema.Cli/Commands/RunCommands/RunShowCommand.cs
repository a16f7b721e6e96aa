using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>Everything about one run.</summary>
internal sealed class RunShowCommand : LemaCommand
{
    private readonly Argument<string> _run = RunArgument.Create();

    public RunShowCommand() : base("show", "State, settings, checkpoints and evaluations of one run.", "lema-remote run show first") => Add(_run);

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        await using HostConnection host = await call.ConnectAsync(cancellation);
        RunDetail detail = await host.Training.GetRunAsync(new GetRunRequest { Run = call.Get(_run) }, cancellationToken: cancellation);
        call.Output.Result(detail, console => RunDetailText.Write(console, detail));
        return ExitCode.Done;
    }
}
