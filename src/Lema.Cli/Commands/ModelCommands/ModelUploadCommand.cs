using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Transfers;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.ModelCommands;

/// <summary>Brings a model folder of this machine to the host.</summary>
internal sealed class ModelUploadCommand : LemaCommand
{
    private readonly Argument<string> _name = new("NAME") { Description = "What the model will be called." };
    private readonly Argument<string> _folder = new("LOCAL_FOLDER") { Description = "Hugging Face folder of this machine." };

    public ModelUploadCommand() : base(
        "upload", "Bring a Hugging Face folder of this machine to the host. A broken upload goes on where it was when the command is given again; 'lema-remote artifact abort model/NAME' gives it up.",
        "lema-remote model upload smollm2 ./smollm2-135m-instruct")
    {
        Add(_name);
        Add(_folder);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        string folder = call.Environment.FullPath(call.Get(_folder));
        await using HostConnection host = await call.ConnectAsync(cancellation);
        await new Uploader(host, call.Output, call.Environment.Clock).UploadAsync(UploadKind.Model, call.Get(_name), folder, overwrite: false, cancellation);
        ModelDetail detail = await host.Models.InspectModelAsync(new InspectModelRequest { Name = call.Get(_name) }, cancellationToken: cancellation);
        call.Output.Result(detail.Model, console => ModelText.Write(console, detail.Model));
        return ExitCode.Done;
    }
}
