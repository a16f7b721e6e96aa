using System.CommandLine;
using Google.Protobuf;
using Lema.Cli.Connections;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.DatasetCommands;

/// <summary>Removes a dataset.</summary>
internal sealed class DatasetDeleteCommand() : DeleteCommand(
    new Argument<string>("DATASET") { Description = "Name of a dataset." }, "Remove a dataset from the host.", "lema-remote dataset delete old-chats")
{
    protected override string Question(string name) => $"Delete the dataset {name}?";

    protected override async Task<IMessage> DeleteAsync(HostConnection host, string name, CancellationToken cancellation) =>
        await host.Datasets.DeleteDatasetAsync(new DeleteDatasetRequest { Name = name }, cancellationToken: cancellation);
}
