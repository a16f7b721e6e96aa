using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Transfers;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.ArtifactCommands;

/// <summary>Brings an adapter folder, a model folder or a dataset file to the host.</summary>
internal sealed class ArtifactUploadCommand : LemaCommand
{
    private readonly Argument<string> _owner = new("OWNER") { Description = ArtifactOwner.UploadedHelp };
    private readonly Argument<string> _path = new("LOCAL_PATH") { Description = "Folder or file of this machine." };
    private readonly Option<bool> _overwrite = new("--overwrite") { Description = "Replace an adapter or dataset of that name." };

    public ArtifactUploadCommand() : base(
        "upload", "Bring a PEFT adapter folder to the host, to start runs from (initAdapter); also models and datasets. A broken upload goes on where it was when the command is given again; 'lema-remote artifact abort' gives it up.",
        "lema-remote artifact upload adapter/first ./adapter-init")
    {
        Add(_owner);
        Add(_path);
        Add(_overwrite);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        (UploadKind kind, string name) = ArtifactOwner.Uploaded(call.Get(_owner));
        await using HostConnection host = await call.ConnectAsync(cancellation);
        CommitUploadResponse answer = await new Uploader(host, call.Output, call.Environment.Clock)
            .UploadAsync(kind, name, call.Environment.FullPath(call.Get(_path)), call.Get(_overwrite), cancellation);
        call.Output.Result(answer, _ => call.Output.Note($"{kind.ToString().ToLowerInvariant()}/{answer.Name} is there."));
        return ExitCode.Done;
    }
}
