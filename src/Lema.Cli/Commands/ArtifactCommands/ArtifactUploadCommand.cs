using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Transfers;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.ArtifactCommands;

/// <summary>Brings an adapter folder, a model folder or a dataset file to the host.</summary>
internal sealed class ArtifactUploadCommand : LemaCommand
{
    private readonly Argument<string> _owner = new("OWNER") { Description = "adapter/NAME, model/NAME or dataset/NAME." };
    private readonly Argument<string> _path = new("LOCAL_PATH") { Description = "Folder or file of this machine." };
    private readonly Option<bool> _overwrite = new("--overwrite") { Description = "Replace an adapter or dataset of that name." };

    public ArtifactUploadCommand() : base(
        "upload", "Bring a PEFT adapter folder to the host, to start runs from (initAdapter); also models and datasets.",
        "lema-remote artifact upload adapter/first ./adapter-init")
    {
        Add(_owner);
        Add(_path);
        Add(_overwrite);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        string[] owner = call.Get(_owner).Split('/', 2);
        UploadKind kind = owner[0] switch
        {
            "adapter" => UploadKind.Adapter,
            "model" => UploadKind.Model,
            "dataset" => UploadKind.Dataset,
            _ => throw new CliException(ExitCode.WrongUsage, $"'{call.Get(_owner)}' cannot be uploaded to.", "Write adapter/NAME, model/NAME or dataset/NAME."),
        };
        if (owner.Length < 2) throw new CliException(ExitCode.WrongUsage, $"'{call.Get(_owner)}' has no name.", $"Write {owner[0]}/NAME.");
        await using HostConnection host = await call.ConnectAsync(cancellation);
        CommitUploadResponse answer = await new Uploader(host, call.Output, call.Environment.Clock)
            .UploadAsync(kind, owner[1], call.Environment.FullPath(call.Get(_path)), call.Get(_overwrite), cancellation);
        call.Output.Result(answer, _ => call.Output.Note($"{owner[0]}/{answer.Name} is there."));
        return ExitCode.Done;
    }
}
