using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Lema.Cli.Tests.Fakes;
using Lema.Protocol.V1;

namespace Lema.Cli.Tests.Commands;

public sealed class RunCommandTests
{
    [Fact]
    public async Task List_Json_IsTheProtobufAnswer()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Training.List = List();

        Assert.Equal(0, await daemon.RunAsync(terminal, "run", "list", "--format", "json"));

        Assert.Equal(List(), Google.Protobuf.JsonParser.Default.Parse<ListRunsResponse>(terminal.Out));
        Assert.Single(terminal.Out.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task Compare_TwoRuns_ShowsWhatDiffersAndTheCurves()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new(width: 80);
        daemon.Training.Run = Detail("first", 1e-3);
        daemon.Training.Others.Add(Detail("second", 2e-3));
        daemon.Training.Metrics = new GetMetricsResponse { Series = { new Series { Name = "loss", Steps = { 1, 2, 3 }, Values = { 3, 2, 1 } } } };

        Assert.Equal(0, await daemon.RunAsync(terminal, "run", "compare", "first", "second"));

        Assert.Matches(@"learningRate +0\.001 +0\.002", terminal.Out);
        Assert.DoesNotContain("microBatchSize", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("o second", terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Log_CompletedRun_TellsAllThatHappenedButItsSteps()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Training.Run.Summary.Sequence = 5;
        RunEvent[] happened =
        [
            Happened(1, new RunEvent { State = new StateChange { To = RunState.Queued } }),
            Happened(2, new RunEvent { Phase = new PhaseChange { Text = "Training", Fraction = -1 } }),
            Happened(3, new RunEvent { Steps = new StepProgress { Points = { new StepPoint { Step = 1, Loss = 2 } } } }),
            Happened(4, new RunEvent { Log = new LogLine { Level = LogLine.Types.Level.Warning, Text = "the disk is slow" } }),
            Happened(5, new RunEvent { State = new StateChange { From = RunState.Running, To = RunState.Failed, Reason = "the worker was killed" } }),
            Happened(6, new RunEvent { State = new StateChange { To = RunState.Queued } }),
        ];
        daemon.Training.OnWatch((_, writer, _) => writer.WriteAsync(new WatchRunResponse { Events = new RunEvents { Run = daemon.Training.Run.Summary, Events = { happened } } }));

        Assert.Equal(0, await daemon.RunAsync(terminal, "run", "log", "first"));

        Assert.Equal(0u, daemon.Training.Watches[0].AfterSequence);
        Assert.Equal(["queued", "Training", "warning: the disk is slow", "failed: the worker was killed"], terminal.Out.TrimEnd('\n').Split('\n').Select(l => l[21..]));
    }

    [Fact]
    public async Task Export_Csv_HasARowAStep()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        Exported(daemon);

        Assert.Equal(0, await daemon.RunAsync(terminal, "run", "export", "first"));

        Assert.Equal("step,seconds,loss,learning_rate\n1,0.5,3,0.001\n2,1,2.5,\n", terminal.Out);
    }

    [Fact]
    public async Task Export_TrainerState_HasTheKeysOfTransformers()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        Exported(daemon);

        Assert.Equal(0, await daemon.RunAsync(terminal, "run", "export", "first", "--to", "trainer-state"));

        using JsonDocument state = JsonDocument.Parse(terminal.Out);
        string[] keys = ["epoch", "global_step", "max_steps", "logging_steps", "eval_steps", "save_steps", "train_batch_size", "num_train_epochs", "num_input_tokens_seen", "total_flos", "log_history", "best_metric", "best_global_step", "best_model_checkpoint", "is_local_process_zero", "is_world_process_zero", "is_hyper_param_search", "trial_name", "trial_params", "stateful_callbacks"];
        Assert.Equal(keys.Order(StringComparer.Ordinal), state.RootElement.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
        Assert.Equal(2, state.RootElement.GetProperty("global_step").GetInt32());
        Assert.Equal(0.5, state.RootElement.GetProperty("epoch").GetDouble());
        Assert.Equal(2.5, state.RootElement.GetProperty("log_history")[1].GetProperty("loss").GetDouble());
    }

    [Theory]
    [InlineData("run", "export", "first", "-o")]
    [InlineData("eval", "first", "--dataset", "replies", "--replies")]
    public async Task Write_FullDisk_NamesTheFileAndTheRemedy(params string[] command)
    {
        Assert.SkipUnless(File.Exists(TestTerminal.FullDevice), $"There is no {TestTerminal.FullDevice} here.");
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        Exported(daemon);
        daemon.Evaluation.Replies.Add(new EvaluatedReply { Question = "Q" });

        Assert.Equal(1, await daemon.RunAsync(terminal, [.. command, TestTerminal.FullDevice]));

        Assert.EndsWith($"error: {TestTerminal.FullDevice} cannot be written: the disk is full.\n  Free some space there, or name another place.\n", terminal.Error, StringComparison.Ordinal);
        Assert.Equal(command[0] == "eval", terminal.Out.Contains("right answer", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Merge_LineBreaks_SaysSoAndGoesOn()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Exports.Breaks = 1;

        Assert.Equal(0, await daemon.RunAsync(terminal, "merge", "first"));

        AssertToldOnce(terminal.Error);
    }

    [Fact]
    public async Task Eval_LineBreaks_SaysSoAndGoesOn()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Evaluation.Breaks = 2;

        Assert.Equal(0, await daemon.RunAsync(terminal, "eval", "first", "--dataset", "replies"));

        AssertToldOnce(terminal.Error);
    }

    private static void AssertToldOnce(string notes)
    {
        Assert.Equal(2, notes.Split("Trying again.").Length);
        Assert.Equal(2, notes.Split("Connected again.").Length);
    }

    [Fact]
    public async Task Export_TensorBoard_WritesAnEventFile()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        Exported(daemon);
        string folder = Path.Combine(terminal.Home, "events");

        Assert.Equal(0, await daemon.RunAsync(terminal, "run", "export", "first", "--to", "tensorboard", "-o", folder));

        string file = Assert.Single(Directory.GetFiles(folder, "events.out.tfevents.*"));
        Assert.Contains("train/loss", System.Text.Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file)), StringComparison.Ordinal);
    }

    private static RunEvent Happened(ulong number, RunEvent happened)
    {
        happened.Sequence = new SequenceRange { First = number, Last = number };
        happened.Time = new Timestamp { Seconds = 1_700_000_000 };
        return happened;
    }

    private static void Exported(FakeDaemon daemon)
    {
        daemon.Training.Run = Detail("first", 1e-3);
        daemon.Training.Run.Summary.Step = 2;
        daemon.Training.Metrics = new GetMetricsResponse
        {
            Series =
            {
                new Series { Name = "loss", Steps = { 1, 2 }, Values = { 3, 2.5 }, Seconds = { 0.5, 1 } },
                new Series { Name = "learning_rate", Steps = { 1 }, Values = { 0.001 } },
            },
        };
        daemon.Datasets.List = new ListDatasetsResponse { Datasets = { new Dataset { Name = "replies", Rows = 16 } } };
    }

    private static RunDetail Detail(string name, double rate) => new()
    {
        Summary = new RunSummary { Id = name, Name = name, Dataset = "replies", Model = "lema-tiny", State = RunState.Completed, TotalSteps = 2, Created = new Timestamp { Seconds = 1_700_000_000 } },
        Settings = new RunSettings { LearningRate = rate, MicroBatchSize = 4, GradientAccumulation = 1 },
    };

    private static ListRunsResponse List() => new()
    {
        Runs =
        {
            new RunSummary { Id = "01", Name = "first", Model = "lema-tiny", Dataset = "replies", State = RunState.Running, Step = 120, TotalSteps = 200, LastLoss = 0.5, SecondsLeft = 80, Created = new Timestamp { Seconds = 1_700_000_000 } },
            new RunSummary { Id = "02", Name = "second", Model = "lema-tiny", Dataset = "replies", State = RunState.Queued, Created = new Timestamp { Seconds = 1_700_000_000 } },
        },
    };
}
