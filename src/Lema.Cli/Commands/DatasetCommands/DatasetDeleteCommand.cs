using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.DatasetCommands;

/// <summary>Removes a dataset.</summary>
internal sealed class DatasetDeleteCommand : LemaCommand
{
    private readonly Argument<string> _name = new("NAME") { Description = "Name of a dataset." };

    public DatasetDeleteCommand() : base("delete", "Remove a dataset from the host.", "lema-remote dataset delete old-chats") => Add(_name);

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        string name = call.Get(_name);
        call.Confirm($"Delete the dataset {name}?");
        await using HostConnection host = await call.ConnectAsync(cancellation);
        DeleteDatasetResponse answer = await host.Datasets.DeleteDatasetAsync(new DeleteDatasetRequest { Name = name }, cancellationToken: cancellation);
        call.Output.Result(answer, _ => call.Output.Note($"Deleted {name}."));
        return ExitCode.Done;
    }
}
