using System.CommandLine;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Lema.Cli.Commands;
using Lema.Cli.Help;
using Lema.Cli.Tests.Fakes;
using Lema.Protocol.V1;

namespace Lema.Cli.Tests.Commands;

/// <summary>With <c>--format json</c> every command prints JSON, and nothing else, on standard output.</summary>
public sealed class JsonFormatTests
{
    private const string HomeMark = "HOME";

    /// <summary>A line for every command; HOME is a folder with the files that they name.</summary>
    public static TheoryData<string> Lines { get; } =
    [
        "host add gpu01 https://gpu01", "host list", "host use known", "host remove known", "host check",
        "model list", "model add m /models/m", "model upload m HOME/model", "model inspect lema-tiny", "model prepare lema-tiny", "model delete lema-tiny --yes",
        "dataset build replies", "dataset upload replies HOME/rows.jsonl", "dataset list", "dataset validate replies", "dataset preview replies", "dataset split replies", "dataset delete replies --yes",
        "train --model lema-tiny --dataset replies --set steps=1 --detach", "train init HOME/new.yaml", "train schema", "estimate --model lema-tiny --dataset replies --set steps=1",
        "run list", "run show first", "run watch first", "run log first", "run pause first", "run resume first", "run stop first", "run delete first --yes",
        "run compare first first", "run export first -o HOME/first.csv", "run export first --to tensorboard -o HOME/events",
        "chat first --message hello", "eval first --questions HOME/questions.jsonl", "merge first",
        "artifact list run/first", "artifact download run/first -o HOME/down", "artifact upload adapter/a HOME/model", "artifact abort adapter/a --yes", "doctor", "completion bash", "reference",
    ];

    [Theory]
    [MemberData(nameof(Lines))]
    public async Task Run_FormatJson_PrintsJsonAlone(string line)
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        Prepare(daemon, terminal);
        await terminal.RunAsync("host", "add", "known", "http://127.0.0.1:9");

        int exitCode = await daemon.RunAsync(terminal, [.. line.Replace(HomeMark, terminal.Home, StringComparison.Ordinal).Split(' '), "--format", "json"]);

        Assert.True(exitCode == 0, terminal.Error);
        string[] printed = terminal.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.NotEmpty(printed);
        Assert.All(printed, one =>
        {
            using JsonDocument json = JsonDocument.Parse(one);
            Assert.Equal(JsonValueKind.Object, json.RootElement.ValueKind);
        });
    }

    [Fact]
    public void Lines_NameEveryCommandButTheDemo()
    {
        using TestTerminal terminal = new();
        string[] lines = [.. Lines.Select(l => l.Data)];

        IEnumerable<string> untried = All(new LemaRootCommand(terminal.Environment)).OfType<LemaCommand>()
            .Select(c => string.Join(' ', CommandPath.Words(c))).Where(words => !lines.Any(l => l == words || l.StartsWith(words + " ", StringComparison.Ordinal)));

        Assert.Equal(["demo"], untried);
    }

    private static void Prepare(FakeDaemon daemon, TestTerminal terminal)
    {
        Directory.CreateDirectory(Path.Combine(terminal.Home, "model"));
        terminal.WriteFile("model/config.json", "{}");
        terminal.WriteFile("rows.jsonl", "{\"prompt\":\"a\",\"completion\":\"b\"}\n");
        terminal.WriteFile("questions.jsonl", "{\"question\":\"a\",\"expected\":\"b\"}\n");
        daemon.Datasets.List = new ListDatasetsResponse { Datasets = { new Dataset { Name = "replies", Rows = 1 } } };
        daemon.Artifacts.Files["log.txt"] = [1, 2, 3];
        daemon.Training.Run.Summary.Sequence = 1;
        daemon.Training.Run.Summary.Dataset = "replies";
        daemon.Training.Run.Summary.Created = new Timestamp { Seconds = 1_700_000_000 };
        daemon.Training.Run.Settings = new RunSettings { MicroBatchSize = 1, GradientAccumulation = 1 };
        daemon.Training.Metrics = new GetMetricsResponse { Series = { new Series { Name = "loss", Steps = { 1 }, Values = { 2 }, Seconds = { 0.5 } } } };
        daemon.Training.OnWatch((request, writer, _) => writer.WriteAsync(request.HasAfterSequence
            ? new WatchRunResponse { Events = new RunEvents { Run = daemon.Training.Run.Summary, Events = { new RunEvent { Sequence = new SequenceRange { First = 1, Last = 1 }, Time = new Timestamp(), State = new StateChange { To = RunState.Queued } } } } }
            : new WatchRunResponse { Snapshot = new RunSnapshot { Sequence = 1, Run = daemon.Training.Run } }));
    }

    private static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(All).Prepend(command);
}
