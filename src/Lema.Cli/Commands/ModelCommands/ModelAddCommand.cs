using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.ModelCommands;

/// <summary>Registers a folder of the host.</summary>
internal sealed class ModelAddCommand : LemaCommand
{
    private readonly Argument<string> _name = new("NAME") { Description = "What the model will be called." };
    private readonly Argument<string> _folder = new("HOST_FOLDER") { Description = "Path on the host, absolute or relative to one of its model roots." };

    public ModelAddCommand() : base(
        "add", "Register a Hugging Face folder inside a model root of the host, without copying it. For admins.",
        "lema-remote model add llama2-7b /models/llama2-7b")
    {
        Add(_name);
        Add(_folder);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        await using HostConnection host = await call.ConnectAsync(cancellation);
        Model model = await host.Models.AddModelAsync(new AddModelRequest { Name = call.Get(_name), Folder = call.Get(_folder) }, cancellationToken: cancellation);
        call.Output.Result(model, console => ModelText.Write(console, model));
        return ExitCode.Done;
    }
}
