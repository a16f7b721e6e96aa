using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Grpc.Core;
using Lema.Cli.Connections;
using Lema.Cli.Demo;
using Lema.Cli.Errors;
using Lema.Cli.Hosts;
using Lema.Cli.Rendering;
using Lema.Cli.Terminals;
using Lema.Protocol.Client;
using Spectre.Console;

namespace Lema.Cli.Commands;

/// <summary>The whole story on the embedded model.</summary>
internal sealed class DemoCommand : LemaCommand
{
    private readonly Option<long> _seed = new("--seed") { Description = "Another seed: other held-out facts, another run.", DefaultValueFactory = _ => DemoSettings.DefaultSeed };
    private readonly Option<string?> _output = new("--output", "-o") { Description = "Folder for the adapter and the merged models. [the user's cache folder]", HelpName = "DIR" };

    public DemoCommand() : base(
        "demo",
        "The whole story on the embedded model, on a private daemon that is gone afterwards: dataset, base's replies, training, tuned replies, merge. Some four minutes. With --host, on that daemon.",
        "lema-remote demo",
        "lema-remote demo --seed 7 --format json 2> story.txt")
    {
        Add(_seed);
        Add(_output);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        string folder = OutputFolder(call);
        Output story = StoryOutput(call);
        await using PrivateDaemon? daemon = await StartDaemonAsync(call, story, cancellation);
        HostEntry host = daemon?.Host ?? call.Hosts.Resolve(call.Host, call.TokenFile);
        await using HostConnection connection = await HostConnection.OpenAsync(host, call.Environment, cancellation);
        long seed = call.Get(_seed);
        string name = daemon is null ? $"demo-{seed}-{Guid.NewGuid().ToString("N")[..6]}" : "demo";
        DemoStory told = new(connection, story, call.Environment, name, seed, folder);
        DemoResult result;
        try
        {
            result = await told.TellAsync(cancellation);
        }
        catch (RpcException failure) when (daemon is not null && !cancellation.IsCancellationRequested)
        {
            // Its log goes away with it: what it said last is the only trace of what went wrong.
            throw new CliException(ExitCode.Failed, Failure.From(failure).Message, [.. daemon.Output()]);
        }
        finally
        {
            if (daemon is null) await told.ForgetAsync(CancellationToken.None);
        }
        WriteEnd(story, result);
        call.Environment.Out.WriteLine(JsonSerializer.Serialize(result, DemoJson.Default.DemoResult));
        return ExitCode.Done;
    }

    private static async Task<PrivateDaemon?> StartDaemonAsync(Invocation call, Output story, CancellationToken cancellation)
    {
        if (call.Host is not null) return null;
        ServerProgram server = ServerProgram.Find(AppContext.BaseDirectory) ?? throw new CliException(
            ExitCode.Unreachable, "There is no lema-server beside lema-remote to start a private daemon with.",
            "Install lema-server into the same folder, or build it: dotnet build src/Lema.Server.",
            "Or name a daemon that runs already: lema-remote demo --host NAME|ADDRESS");
        PrivateDaemon daemon = await PrivateDaemon.StartAsync(server, cancellation);
        story.Text.WriteLine($"A private daemon answers at {daemon.Host.Address}; it goes away with its data when the demo ends.");
        return daemon;
    }

    /// <summary>The story goes to standard output, or, where that is for JSON alone, to standard error.</summary>
    private static Output StoryOutput(Invocation call)
    {
        if (!call.Output.Json) return call.Output;
        CliEnvironment environment = call.Environment;
        return new Output(environment with { Out = environment.Error, OutIsTerminal = environment.ErrorIsTerminal, OutWidth = environment.ErrorWidth }, json: false, call.Output.Quiet, color: false);
    }

    /// <summary>An empty folder for the results; what an earlier demo left in the cache is replaced.</summary>
    private string OutputFolder(Invocation call)
    {
        if (call.Get(_output) is { } given)
        {
            string folder = call.Environment.FullPath(given);
            if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()) throw new CliException(ExitCode.Failed, $"{folder} is not empty.", "Name another folder.");
            return folder;
        }
        string? cache = call.Environment.Variable("XDG_CACHE_HOME");
        string mine = Path.Combine(string.IsNullOrEmpty(cache) ? Path.Combine(call.Environment.HomeFolder, ".cache") : cache, "lema", "demo", call.Get(_seed).ToString(CultureInfo.InvariantCulture));
        if (Directory.Exists(mine)) Directory.Delete(mine, recursive: true);
        return mine;
    }

    private static void WriteEnd(Output story, DemoResult result)
    {
        story.Text.WriteLine();
        PropertyList list = new();
        list.Add("valid format", $"{Quantity.Percent(result.BaseValidFormat)} before, {Quantity.Percent(result.TunedValidFormat)} after");
        list.Add("right answer", $"{Quantity.Percent(result.HeldOutRightAnswer)} of {result.HeldOutQuestions} facts that training never showed");
        list.Add("streamed", $"{Quantity.Bytes(result.StreamedBytes)} under a budget of {Quantity.Bytes(result.WeightBudgetBytes)} for a model of {Quantity.Bytes(result.ModelBytes)}");
        list.Add("peak memory", Quantity.Bytes(result.PeakRssBytes));
        list.Add("merged", $"{result.MergedFolder} and {result.MergedBaseFolder}");
        list.Add("adapter", result.AdapterFolder);
        list.Add("time", Quantity.Duration(result.Seconds));
        list.Write(story.Text);
    }
}
