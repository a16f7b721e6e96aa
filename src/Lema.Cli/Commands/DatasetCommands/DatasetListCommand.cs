using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.DatasetCommands;

/// <summary>The datasets of a host.</summary>
internal sealed class DatasetListCommand : LemaCommand
{
    public DatasetListCommand() : base("list", "The datasets of the host.", "lema-remote dataset list")
    {
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        await using HostConnection host = await call.ConnectAsync(cancellation);
        ListDatasetsResponse answer = await host.Datasets.ListDatasetsAsync(new ListDatasetsRequest(), cancellationToken: cancellation);
        call.Output.Result(answer, console => DatasetText.WriteTable(console, answer.Datasets));
        if (answer.Datasets.Count == 0) call.Output.Note("There is no dataset yet. Make one: lema-remote dataset build NAME, or bring one: lema-remote dataset upload NAME FILE");
        return ExitCode.Done;
    }
}
