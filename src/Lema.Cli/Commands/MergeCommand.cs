using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Cli.Transfers;
using Lema.Protocol.V1;
using Spectre.Console;

namespace Lema.Cli.Commands;

/// <summary>Adds a run's adapter into its base model.</summary>
internal sealed class MergeCommand : LemaCommand
{
    private readonly Argument<string> _run = RunCommands.RunArgument.Create();
    private readonly Option<string?> _checkpoint = new("--checkpoint") { Description = "last, best or a step. [last]", HelpName = "C" };
    private readonly Option<string> _dtype = new("--dtype") { Description = "base: the base's own type, rounded once to nearest even. float32.", DefaultValueFactory = _ => "base" };
    private readonly Option<string?> _name = new("--name", "-n") { Description = "Name of the model that results. [the run's name and step]", HelpName = "NAME" };
    private readonly Option<string?> _output = new("--output", "-o") { Description = "Download the result into this folder.", HelpName = "DIR" };

    public MergeCommand() : base(
        "merge", "Add a checkpoint's adapter into its base, as a Hugging Face folder that stays on the host as a model and is downloaded with --output. Ctrl-C cancels.",
        "lema-remote merge first --dtype float32 --output ./first-merged",
        "lema-remote merge first --checkpoint best --name first-best")
    {
        _dtype.AcceptOnlyFromAmong("base", "float32");
        Add(_run);
        foreach (Option option in new Option[] { _checkpoint, _dtype, _name, _output }) Add(option);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        string? folder = call.Get(_output) is { } given ? call.Environment.FullPath(given) : null;
        if (folder is not null && Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*.safetensors").Any())
        {
            throw new CliException(ExitCode.Failed, $"{folder} holds a model already.", "Name another folder, or remove it first.");
        }
        await using HostConnection host = await call.ConnectAsync(cancellation);
        StartMergeRequest request = new()
        {
            Run = call.Get(_run),
            Checkpoint = call.Get(_checkpoint) ?? "",
            Dtype = call.Required(_dtype),
            ModelName = call.Get(_name) ?? "",
            IdempotencyKey = Guid.NewGuid().ToString("N"),
        };
        Export merged = await new ExportFollower(host, call.Output, call.Environment.Clock).RunAsync(request, cancellation);
        if (folder is not null)
        {
            string owner = $"model/{merged.ModelName}";
            call.Output.Note($"Merged, and on the host as {merged.ModelName}. Should the download break off: {LemaRootCommand.ProgramName} artifact download {owner} --output {call.Get(_output)}{call.HostFlags}");
            ListArtifactsResponse files = await host.Artifacts.ListArtifactsAsync(new ListArtifactsRequest { Owner = owner }, cancellationToken: cancellation);
            await new Downloader(host, call.Output, call.Environment.Clock).DownloadAsync(owner, files.Files, folder, cancellation);
        }
        if (!call.Output.Json) Write(call.Output.Text, call.Get(_run), merged, folder);
        return ExitCode.Done;
    }

    private static void Write(IAnsiConsole console, string run, Export merged, string? folder)
    {
        PropertyList list = new();
        list.Add("model", merged.ModelName);
        list.Add("from", $"{run}, step {merged.Step}");
        list.Add("dtype", merged.Dtype);
        list.Add("size", Quantity.Bytes(merged.Bytes));
        list.Add("time", Quantity.Duration(merged.Seconds));
        list.Add("on the host", merged.Folder);
        if (folder is not null) list.Add("here", folder);
        list.Write(console);
    }
}
