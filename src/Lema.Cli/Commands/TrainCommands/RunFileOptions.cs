using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.RunFiles;
using Lema.Cli.Transfers;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.TrainCommands;

/// <summary>The options that describe a run, shared by <c>train</c> and <c>estimate</c>.</summary>
internal sealed class RunFileOptions
{
    private readonly Option<string?> _model = new("--model", "-m") { Description = "Name of a model of the host.", HelpName = "MODEL" };
    private readonly Option<string?> _dataset = new("--dataset", "-d") { Description = "Name of a dataset of the host.", HelpName = "DATASET" };
    private readonly Option<string?> _config = new("--config", "-c") { Description = "Run file (YAML); - reads standard input. Make one with 'lema-remote train init'.", HelpName = "FILE" };
    private readonly Option<string[]> _set = new("--set", "-s")
    {
        Description = "A key of the run file and its value, laid over the file; may be given often.",
        HelpName = "KEY=VALUE",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string?> _initAdapter = new("--init-adapter") { Description = "The run file's initAdapter: a PEFT folder of this machine, an uploaded adapter's name, or run/NAME.", HelpName = "ADAPTER" };

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _model, _dataset, _config, _set, _initAdapter }) command.Add(option);
        _set.CompletionSources.Add(context => RunFileKey.All.Select(k => k.Name + "=").Where(k => k.StartsWith(context.WordToComplete, StringComparison.Ordinal)));
    }

    /// <summary>Reads the run file. Where something is wrong with it the daemon is asked what else is, so that all of it is told at once; nothing is started.</summary>
    /// <exception cref="RunFileException">Something in the file is wrong: every problem at once.</exception>
    /// <exception cref="CliException">The file is missing, or model or dataset are named nowhere.</exception>
    public async Task<RunFile> ReadAsync(Invocation call, CancellationToken cancellation)
    {
        RunFile file = Read(call);
        if (file.Problems.Count > 0)
        {
            file = file with { Problems = [.. file.Problems, .. Missing(file)] };
            throw new RunFileException([.. file.Problems, .. await RunFileCheck.FurtherProblemsAsync(file, call, cancellation)]);
        }
        if (Missing(file).FirstOrDefault() is { Key: var key } missing) throw new CliException(ExitCode.WrongUsage, $"Which {key}? It {missing.Problem}.", $"List them: lema-remote {key} list");
        return file;
    }

    private RunFile Read(Invocation call)
    {
        string? path = call.Get(_config);
        string? text = path is null ? null : path == "-" ? call.Environment.In.ReadToEnd() : ReadFile(call.Environment.FullPath(path));
        IEnumerable<string> assignments = (call.Get(_set) ?? []).Concat(call.Get(_initAdapter) is { } adapter ? [$"initAdapter={adapter}"] : []);
        RunFile file = RunFile.Parse(text, path ?? "", assignments, named => ReplyFormatFile.Text(call.Environment, named));
        return file with { Model = call.Get(_model) ?? file.Model, Dataset = call.Get(_dataset) ?? file.Dataset };
    }

    /// <summary>Where <c>initAdapter</c> names a folder of this machine, uploads it and names the uploaded adapter instead.</summary>
    public static async Task UploadInitAdapterAsync(RunFile file, HostConnection host, Invocation call, CancellationToken cancellation)
    {
        if (!file.Settings.HasInitAdapter) return;
        string folder = call.Environment.FullPath(file.Settings.InitAdapter);
        if (!Directory.Exists(folder)) return;
        string name = $"{Path.GetFileName(folder.TrimEnd('/'))}-{await FolderDigest.ComputeAsync(folder, cancellation)}";
        ListArtifactsResponse? there = await ExistingAsync(host, name, cancellation);
        if (there is null) await new Uploader(host, call.Output, call.Environment.Clock).UploadAsync(UploadKind.Adapter, name, folder, overwrite: false, cancellation);
        file.Settings.InitAdapter = name;
    }

    private static async Task<ListArtifactsResponse?> ExistingAsync(HostConnection host, string name, CancellationToken cancellation)
    {
        try
        {
            return await host.Artifacts.ListArtifactsAsync(new ListArtifactsRequest { Owner = $"adapter/{name}" }, cancellationToken: cancellation);
        }
        catch (Grpc.Core.RpcException error) when (error.StatusCode == Grpc.Core.StatusCode.NotFound)
        {
            return null;
        }
    }

    private static string ReadFile(string path)
    {
        if (!File.Exists(path)) throw new CliException(ExitCode.NotFound, $"There is no run file {path}.", $"Write one: lema-remote train init {path}");
        return File.ReadAllText(path);
    }

    private static IEnumerable<RunFileProblem> Missing(RunFile file)
    {
        if (file.Model is null) yield return new RunFileProblem("", 0, RunFile.ModelKey, "is neither given with --model nor in the run file");
        if (file.Dataset is null) yield return new RunFileProblem("", 0, RunFile.DatasetKey, "is neither given with --dataset nor in the run file");
    }
}
