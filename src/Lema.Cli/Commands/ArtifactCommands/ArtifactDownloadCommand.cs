using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Transfers;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.ArtifactCommands;

/// <summary>Brings files of the host here.</summary>
internal sealed class ArtifactDownloadCommand : LemaCommand
{
    private readonly Argument<string> _owner = new("OWNER") { Description = ArtifactOwner.Help };
    private readonly Argument<string[]> _paths = new("PATH") { Description = "Files, or folders of files; all when none is given.", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<string> _output = new("--output", "-o") { Description = "Folder to write to.", HelpName = "DIR", DefaultValueFactory = _ => "." };

    public ArtifactDownloadCommand() : base(
        "download", "Bring files of a run, model, dataset or adapter here, verified by SHA-256. A broken download goes on where it was when the command is given again.",
        "lema-remote artifact download my-run --output ./my-run",
        "lema-remote artifact download my-run checkpoints/checkpoint-150 -o .")
    {
        Add(_owner);
        Add(_paths);
        Add(_output);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        string owner = ArtifactOwner.Of(call.Get(_owner));
        string[] wanted = call.Get(_paths);
        await using HostConnection host = await call.ConnectAsync(cancellation);
        ListArtifactsResponse all = await host.Artifacts.ListArtifactsAsync(new ListArtifactsRequest { Owner = owner }, cancellationToken: cancellation);
        ListArtifactsResponse chosen = new();
        chosen.Files.AddRange(all.Files.Where(f => wanted.Length == 0 || wanted.Any(w => IsAtOrBelow(f.Path, w.TrimEnd('/')))));
        string? missing = wanted.FirstOrDefault(w => !all.Files.Any(f => IsAtOrBelow(f.Path, w.TrimEnd('/'))));
        if (missing is not null) throw new CliException(ExitCode.NotFound, $"{owner} has no file '{missing}'.", $"List them: lema-remote artifact list {owner}");
        string folder = call.Environment.FullPath(call.Required(_output));
        IReadOnlyList<string> files = await new Downloader(host, call.Output, call.Environment.Clock).DownloadAsync(owner, chosen.Files, folder, cancellation);
        call.Output.Result(chosen, console =>
        {
            foreach (string file in files) console.Profile.Out.Writer.WriteLine(file);
        });
        return ExitCode.Done;
    }

    private static bool IsAtOrBelow(string path, string wanted) => path == wanted || path.StartsWith(wanted + "/", StringComparison.Ordinal);
}
