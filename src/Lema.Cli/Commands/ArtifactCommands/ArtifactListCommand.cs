using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.ArtifactCommands;

/// <summary>The files of an owner.</summary>
internal sealed class ArtifactListCommand : LemaCommand
{
    private readonly Argument<string> _owner = new("OWNER") { Description = ArtifactOwner.Help };

    public ArtifactListCommand() : base("list", "Files of a run, a model, a dataset or an adapter.", "lema-remote artifact list my-run", "lema-remote artifact list model/my-run-150") => Add(_owner);

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        await using HostConnection host = await call.ConnectAsync(cancellation);
        ListArtifactsRequest request = new() { Owner = ArtifactOwner.Of(call.Get(_owner)) };
        ListArtifactsResponse answer = await host.Artifacts.ListArtifactsAsync(request, cancellationToken: cancellation);
        call.Output.Result(answer, console =>
        {
            TextTable table = new(new("PATH"), new("SIZE", 1, Right: true), new("SHA-256", 3), new("MODIFIED", 2));
            foreach (FileEntry file in answer.Files)
            {
                table.Add(file.Path, Quantity.Bytes(file.SizeBytes), file.Sha256, file.Modified is null ? "" : Quantity.Time(file.Modified.ToDateTimeOffset()));
            }
            table.Write(console);
        });
        return ExitCode.Done;
    }
}
