using System.CommandLine;
using Google.Protobuf;
using Lema.Cli.Connections;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.ModelCommands;

/// <summary>Forgets a model.</summary>
internal sealed class ModelDeleteCommand() : DeleteCommand(
    new Argument<string>("MODEL") { Description = "Name of a model." },
    "Forget a model; its files are removed only where they lie in the daemon's data folder. For admins.",
    "lema-remote model delete old-model")
{
    protected override string Question(string name) => $"Delete the model {name}?";

    protected override async Task<IMessage> DeleteAsync(HostConnection host, string name, CancellationToken cancellation) =>
        await host.Models.DeleteModelAsync(new DeleteModelRequest { Name = name }, cancellationToken: cancellation);
}
