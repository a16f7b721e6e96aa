using System.Text.Json;
using Grpc.Core;
using Lema.Cli.Tests.Fakes;
using Lema.Protocol.V1;

namespace Lema.Cli.Tests.Commands;

public sealed class TrainCommandTests
{
    private static readonly string[] Train = ["train", "--model", "lema-tiny", "--dataset", "replies", "--set", "steps=3"];

    [Fact]
    public async Task Train_Text_FollowsTheRunToItsEnd()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Training.OnWatch(async (_, writer, _) =>
        {
            await writer.WriteAsync(Snapshot(RunState.Running, sequence: 1));
            await writer.WriteAsync(Events(Step(2, 1, 2.0), Step(3, 2, 1.5)));
            await writer.WriteAsync(Events(Step(4, 3, 1.25), new RunEvent { Sequence = Numbers(5, 5), Checkpoint = new Checkpoint { Step = 3, Bytes = 1 << 20, Best = true } }));
        });

        Assert.Equal(0, await daemon.RunAsync(terminal, Train));

        Assert.Equal(3, daemon.Training.Started!.Settings.Steps);
        Assert.NotEqual("", daemon.Training.Started.IdempotencyKey);
        Assert.Contains("first (01): running", terminal.Error, StringComparison.Ordinal);
        Assert.Contains("step 3/3  loss 1.2500", terminal.Error, StringComparison.Ordinal);
        Assert.Contains("checkpoint of step 3, 1.0 MiB, the best so far", terminal.Error, StringComparison.Ordinal);
        Assert.Contains("completed", terminal.Out, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', terminal.Out + terminal.Error);
    }

    [Fact]
    public async Task Train_LostConnection_GoesOnWithoutGapOrRepetition()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Training.OnWatch(async (_, writer, _) =>
        {
            await writer.WriteAsync(Snapshot(RunState.Running, sequence: 1));
            await writer.WriteAsync(Events(Step(2, 1, 2.0)));
            throw new RpcException(new Status(StatusCode.Unavailable, "gone"));
        });
        daemon.Training.OnWatch((_, writer, _) => writer.WriteAsync(Events(Step(3, 2, 1.5))));

        Assert.Equal(0, await daemon.RunAsync(terminal, [.. Train, "--format", "json"]));

        Assert.Equal(2u, daemon.Training.Watches[1].AfterSequence);
        string[] lines = terminal.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, line => JsonDocument.Parse(line).Dispose());
        Assert.Equal(["1", "2"], lines.Select(l => JsonDocument.Parse(l)).Where(d => d.RootElement.TryGetProperty("events", out _)).Select(d => d.RootElement.GetProperty("events").GetProperty("events")[0].GetProperty("steps").GetProperty("points")[0].GetProperty("step").GetString()));
        Assert.Contains("Connected again.", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_CtrlC_DetachesAndSaysHowToComeBack()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Training.OnWatch(Endless(terminal));

        Assert.Equal(130, await daemon.RunAsync(terminal, Train));

        Assert.Contains($"lema-remote run watch first --host {daemon.Address}", terminal.Error, StringComparison.Ordinal);
        Assert.False(daemon.Training.Stops.Reader.TryRead(out _));
    }

    [Fact]
    public async Task Train_CtrlCTwice_AsksTheRunToStop()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Training.OnWatch(Endless(terminal));
        using CancellationTokenRegistration again = terminal.Interrupts.First.Register(() => terminal.Interrupts.Raise());

        Assert.Equal(130, await daemon.RunAsync(terminal, Train));

        Assert.True(daemon.Training.Stops.Reader.TryRead(out StopRunRequest? stop));
        Assert.Equal("01", stop.Run);
    }

    [Fact]
    public async Task Train_CtrlCTwiceAndNobodyHears_SaysThatTheRunMayGoOn()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Training.OnWatch(Endless(terminal));
        using CancellationTokenRegistration again = terminal.Interrupts.First.Register(() =>
        {
            daemon.Calls.Failure = new RpcException(new Status(StatusCode.Unavailable, "gone"));
            terminal.Interrupts.Raise();
        });

        Assert.Equal(130, await daemon.RunAsync(terminal, Train));

        Assert.Contains("It may not have heard that, and go on: gone", terminal.Error, StringComparison.Ordinal);
        Assert.Contains("Ask again: lema-remote run stop 01", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_Failed_IsExitCodeOneWithTheReason()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Training.OnWatch((_, writer, _) => writer.WriteAsync(Snapshot(RunState.Failed, sequence: 9)));
        daemon.Training.Run.Summary.State = RunState.Failed;
        daemon.Training.Run.Summary.Reason = "the worker was killed";

        Assert.Equal(1, await daemon.RunAsync(terminal, Train));

        Assert.Contains("error: first failed: the worker was killed", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_Detach_PrintsTheRunAndLeaves()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();

        Assert.Equal(0, await daemon.RunAsync(terminal, [.. Train, "--detach", "--format", "json", "--name", "mine"]));

        Assert.Equal("mine", daemon.Training.Started!.Name);
        Assert.Equal("first", JsonDocument.Parse(terminal.Out).RootElement.GetProperty("summary").GetProperty("name").GetString());
        Assert.Equal(["StartRun"], daemon.Calls.All.Select(c => c.Method));
    }

    [Fact]
    public async Task Train_Notify_RunsTheCommandAtTheEnd()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Training.OnWatch((_, writer, _) => writer.WriteAsync(Snapshot(RunState.Completed, sequence: 9)));

        Assert.Equal(0, await daemon.RunAsync(terminal, [.. Train, "--notify", "echo \"$LEMA_RUN is $LEMA_RUN_STATE\""]));

        Assert.Contains("first is completed", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_DryRun_ShowsPlanAndExamplesAndStartsNothing()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Training.Estimate = new Estimate { Fits = true, Steps = 3, SecondsPerStep = 0.5, Seconds = 1.5, TokensPerStep = 8192, MeanTokensPerStep = 1293.6, Tiers = { new TierPlan { Tier = Tier.Host, UsedBytes = 5 << 20, BudgetBytes = 6 << 20, Units = 6, ResidentUnits = 1, Items = { new PlanItem { Name = "slots", Bytes = 5 << 20 } } } } };
        daemon.Datasets.Preview = new PreviewDatasetResponse { Rows = { new PreviewRow { Tokens = { new PreviewToken { Text = "Q: " }, new PreviewToken { Text = "yes", CarriesLoss = true } } } } };

        Assert.Equal(0, await daemon.RunAsync(terminal, [.. Train, "--dry-run"]));

        Assert.Contains("host: 5.0 MiB of 6.0 MiB, 1 of 6 units stay", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("1,294 a step on average, 8,192 where every row has maxLength", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("Q: «yes»", terminal.Out, StringComparison.Ordinal);
        Assert.Null(daemon.Training.Started);
    }

    [Fact]
    public async Task Estimate_DoesNotFit_IsSeven()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Training.Estimate = new Estimate { Fits = false, Reason = "memory.weightBytes needs 4000000 bytes" };

        Assert.Equal(7, await daemon.RunAsync(terminal, ["estimate", .. Train[1..]]));

        Assert.Contains("needs 4000000 bytes", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_ConfigWithMistakes_IsSixWithTheDaemonsPartAndStartsNothing()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        string file = terminal.WriteFile("run.yaml", "steps: x\nloraa: {}\nmodel: nowhere\n");
        daemon.Training.Refusal = Refusal(("steps", "settings: steps: set how long to train."), ("model", "request: model: model 'nowhere' was not found."), ("dataset", "request: dataset: dataset '' was not found."));

        Assert.Equal(6, await daemon.RunAsync(terminal, "train", "--config", file));

        Assert.Equal(
            $"error: {file}:1: steps: 'x' is not a whole number\n{file}:2: loraa: unknown key; did you mean 'lora'?\ndataset: is neither given with --dataset nor in the run file\n{file}:3: model: model 'nowhere' was not found.\n",
            terminal.Error);
        Assert.Equal(["CheckRun"], daemon.Calls.All.Select(c => c.Method));
    }

    [Fact]
    public async Task Train_ConfigWithMistakesAndNoDaemon_TellsThoseThatAreSeenFromHere()
    {
        using TestTerminal terminal = new();
        string file = terminal.WriteFile("run.yaml", "model: lema-tiny\ndataset: replies\nsteps: x\n");

        Assert.Equal(6, await terminal.RunAsync("train", "--config", file, "--host", "http://127.0.0.1:9"));

        Assert.Equal($"error: {file}:3: steps: 'x' is not a whole number\n", terminal.Error);
    }

    [Theory]
    [InlineData("train")]
    [InlineData("estimate")]
    public async Task Run_TheDaemonRefusesSettings_NamesTheirLines(string command)
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        string file = terminal.WriteFile("run.yaml", "model: lema-tiny\ndataset: replies\nsteps: 10\nwarmupSteps: 50\n");
        daemon.Training.Refusal = Refusal(("warmupSteps", "settings: warmupSteps: 50 is more than the run's 10 steps."));

        Assert.Equal(6, await daemon.RunAsync(terminal, command, "--config", file));

        Assert.Equal($"error: {file}:4: warmupSteps: 50 is more than the run's 10 steps.\n", terminal.Error);
    }

    [Fact]
    public async Task Train_InitAdapterFolder_IsUploadedFirst()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        string folder = Directory.CreateDirectory(Path.Combine(terminal.Home, "adapter-init")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "adapter_config.json"), "{}");
        daemon.Artifacts.Unknown = true;

        Assert.Equal(0, await daemon.RunAsync(terminal, [.. Train, "--set", $"initAdapter={folder}", "--detach"]));

        Assert.Matches("^adapter-init-[0-9a-f]{12}$", daemon.Training.Started!.Settings.InitAdapter);
        Assert.Equal(daemon.Training.Started.Settings.InitAdapter, daemon.Artifacts.Begun!.Name);
        Assert.Equal("{}", System.Text.Encoding.UTF8.GetString(daemon.Artifacts.Uploaded["adapter_config.json"]));
    }

    [Fact]
    public async Task Init_NewFolder_WritesARunFileAndItsSchema()
    {
        using TestTerminal terminal = new();
        string file = Path.Combine(terminal.Home, "runs", "run.yaml");

        Assert.Equal(0, await terminal.RunAsync("train", "init", file));
        Assert.Equal(1, await terminal.RunAsync("train", "init", file));

        Assert.True(File.Exists(file));
        Assert.True(File.Exists(Path.Combine(terminal.Home, "runs", "lema-run.schema.json")));
    }

    [Fact]
    public async Task Init_FullDisk_LeavesNothing()
    {
        Assert.SkipUnless(File.Exists(TestTerminal.FullDevice), $"There is no {TestTerminal.FullDevice} here.");
        using TestTerminal terminal = new();
        string file = Path.Combine(terminal.Home, "run.yaml");
        File.CreateSymbolicLink($"{file}.{Environment.ProcessId}.tmp", TestTerminal.FullDevice);

        Assert.Equal(1, await terminal.RunAsync("train", "init", file));

        Assert.Equal($"error: {file} cannot be written: the disk is full.\n  Free some space there, or name another place.\n", terminal.Error);
        Assert.Equal(["lema-run.schema.json"], Directory.GetFiles(terminal.Home).Select(Path.GetFileName));
    }

    private static Func<WatchRunRequest, IServerStreamWriter<WatchRunResponse>, CancellationToken, Task> Endless(TestTerminal terminal) => async (_, writer, gone) =>
    {
        await writer.WriteAsync(Snapshot(RunState.Running, sequence: 1));
        terminal.Interrupts.Raise();
        await Task.Delay(Timeout.Infinite, gone);
    };

    private static WatchRunResponse Snapshot(RunState state, ulong sequence) => new()
    {
        Snapshot = new RunSnapshot { Sequence = sequence, Run = new RunDetail { Summary = new RunSummary { Id = "01", Name = "first", State = state, TotalSteps = 3 } } },
    };

    private static WatchRunResponse Events(params RunEvent[] events)
    {
        RunEvents all = new() { Run = new RunSummary { Id = "01", Name = "first", State = RunState.Running, TotalSteps = 3 } };
        all.Run.Step = events.Where(e => e.Steps is not null).Select(e => e.Steps.Points[^1].Step).DefaultIfEmpty(0).Max();
        all.Events.AddRange(events);
        return new WatchRunResponse { Events = all };
    }

    private static RunEvent Step(ulong sequence, long step, double loss) => new()
    {
        Sequence = Numbers(sequence, sequence),
        Steps = new StepProgress { Points = { new StepPoint { Step = step, Loss = loss, LearningRate = 1e-3, Tokens = 100, Seconds = 0.5 } } },
    };

    private static RpcException Refusal(params (string Field, string Description)[] problems)
    {
        Google.Rpc.BadRequest details = new();
        details.FieldViolations.AddRange(problems.Select(p => new Google.Rpc.BadRequest.Types.FieldViolation { Field = p.Field, Description = p.Description }));
        return new Google.Rpc.Status { Code = (int)StatusCode.InvalidArgument, Message = "refused", Details = { Google.Protobuf.WellKnownTypes.Any.Pack(details) } }.ToRpcException();
    }

    private static SequenceRange Numbers(ulong first, ulong last) => new() { First = first, Last = last };
}
