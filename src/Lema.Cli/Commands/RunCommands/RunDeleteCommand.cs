using Google.Protobuf;
using Lema.Cli.Connections;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>Removes a run that has ended.</summary>
internal sealed class RunDeleteCommand() : DeleteCommand(RunArgument.Create(), "Remove a run that has ended, with its checkpoints.", "lema-remote run delete first --yes")
{
    protected override string Question(string name) => $"Delete the run {name} and its checkpoints?";

    protected override async Task<IMessage> DeleteAsync(HostConnection host, string name, CancellationToken cancellation) =>
        await host.Training.DeleteRunAsync(new DeleteRunRequest { Run = name }, cancellationToken: cancellation);
}
