using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.ModelCommands;

/// <summary>Forgets a model.</summary>
internal sealed class ModelDeleteCommand : LemaCommand
{
    private readonly Argument<string> _name = new("NAME") { Description = "Name of a model." };

    public ModelDeleteCommand() : base(
        "delete", "Forget a model; its files are removed only where they lie in the daemon's data folder. For admins.",
        "lema-remote model delete old-model") => Add(_name);

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        string name = call.Get(_name);
        call.Confirm($"Delete the model {name}?");
        await using HostConnection host = await call.ConnectAsync(cancellation);
        DeleteModelResponse answer = await host.Models.DeleteModelAsync(new DeleteModelRequest { Name = name }, cancellationToken: cancellation);
        call.Output.Result(answer, _ => call.Output.Note($"Deleted {name}."));
        return ExitCode.Done;
    }
}
