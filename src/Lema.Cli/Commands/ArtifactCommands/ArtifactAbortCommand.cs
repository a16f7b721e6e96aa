using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.ArtifactCommands;

/// <summary>Gives up an upload that was broken off: what has arrived of it takes space until then.</summary>
internal sealed class ArtifactAbortCommand : LemaCommand
{
    private readonly Argument<string> _owner = new("OWNER") { Description = ArtifactOwner.UploadedHelp };

    public ArtifactAbortCommand() : base(
        "abort", "Give up an upload that was broken off, of any of the upload commands, and remove what has arrived of it. What is there whole stays.",
        "lema-remote artifact abort model/smollm2") => Add(_owner);

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        (UploadKind kind, string name) = ArtifactOwner.Uploaded(call.Get(_owner));
        call.Confirm($"Give up the upload of {call.Get(_owner)}?");
        await using HostConnection host = await call.ConnectAsync(cancellation);
        AbortUploadResponse answer = await host.Artifacts.AbortUploadAsync(new AbortUploadRequest { Kind = kind, Name = name }, cancellationToken: cancellation);
        call.Output.Result(answer, _ => call.Output.Note($"Gave up the upload of {call.Get(_owner)}: {Quantity.Bytes(answer.ReceivedBytes)} had arrived."));
        return ExitCode.Done;
    }
}
