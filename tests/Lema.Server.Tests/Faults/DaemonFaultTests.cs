using System.Diagnostics;
using Grpc.Net.Client;
using Lema.Protocol.Client;
using Lema.Protocol.V1;

namespace Lema.Server.Tests.Faults;

/// <summary>Faults of the daemon itself, a process of its own that trains the embedded model with real workers.</summary>
[Collection("real workers")]
public sealed class DaemonFaultTests
{
    private const int Steps = 10;

    [Fact(DisplayName = "SIGTERM")]
    public async Task Sigterm_DuringARun_SavesExitsZeroAndGoesOnAtTheNextStart()
    {
        string data = Directory.CreateTempSubdirectory("lema-sigterm-").FullName;
        string run;
        using (DaemonProcess daemon = await DaemonProcess.StartAsync(data))
        using (GrpcChannel channel = daemon.Open(data))
        {
            run = await StartAndFollowAsync(channel, steps: 2);
            daemon.Terminate();
            Assert.Equal(0, await daemon.WaitForExitAsync());
        }
        Assert.NotEmpty(Directory.GetDirectories(Path.Combine(data, "runs", run, "checkpoints"), "checkpoint-*"));
        await FinishAsync(data, run);
        Directory.Delete(data, recursive: true);
    }

    [Fact(DisplayName = "SIGTERM: a second one forces")]
    public async Task SecondSigterm_WhileAWorkerDoesNotSave_EndsAtOnceAndTheRunGoesOnLater()
    {
        string data = Directory.CreateTempSubdirectory("lema-sigterm-").FullName;
        string run;
        using (DaemonProcess daemon = await DaemonProcess.StartAsync(data))
        using (GrpcChannel channel = daemon.Open(data))
        {
            run = await StartAndFollowAsync(channel, steps: 3);
            DaemonProcess.SuspendWorkers(data);
            daemon.Terminate();
            await daemon.UntilStoppingAsync();
            daemon.Terminate();
            Assert.Equal(128 + 15, await daemon.WaitForExitAsync());
        }
        await FinishAsync(data, run);
        Directory.Delete(data, recursive: true);
    }

    [Fact(DisplayName = "SIGTERM: workers that do not save are ended after the drain limit")]
    public async Task Sigterm_WhileAWorkerDoesNotSave_EndsItAfterTheDrainLimitAndTheRunGoesOnLater()
    {
        const int limitSeconds = 4;
        string data = Directory.CreateTempSubdirectory("lema-drain-").FullName;
        string run;
        using (DaemonProcess daemon = await DaemonProcess.StartAsync(data, ["--drain-seconds", $"{limitSeconds}"]))
        using (GrpcChannel channel = daemon.Open(data))
        {
            run = await StartAndFollowAsync(channel, steps: 3);
            int[] workers = DaemonProcess.Workers(data);
            Assert.NotEmpty(workers);
            DaemonProcess.SuspendWorkers(data);
            Stopwatch time = Stopwatch.StartNew();
            daemon.Terminate();
            Assert.Equal(0, await daemon.WaitForExitAsync());
            // As long as was granted and not the default of a minute; the worker is given five seconds more to end by itself.
            Assert.InRange(time.Elapsed.TotalSeconds, limitSeconds, limitSeconds + 25);
            Assert.All(workers, id => Assert.False(Directory.Exists($"/proc/{id}"), $"worker {id} is there"));
            Assert.Contains(await daemon.OutputAsync(), line => line.Contains("did not save within", StringComparison.Ordinal));
        }
        await FinishAsync(data, run);
        Directory.Delete(data, recursive: true);
    }

    [Fact(DisplayName = "two runs at once")]
    public async Task MaxTrainingRuns_Two_TrainsTwoInProcessesOfTheirOwnWithTheLossesOfOneAlone()
    {
        string data = Directory.CreateTempSubdirectory("lema-two-").FullName;
        using (DaemonProcess daemon = await DaemonProcess.StartAsync(data, ["--max-training-runs", "2"]))
        using (GrpcChannel channel = daemon.Open(data))
        {
            await new Protocol.V1.Datasets.DatasetsClient(channel).BuildDatasetAsync(new BuildDatasetRequest { Name = "rows", Rows = 20, HeldoutRows = 10 });
            Training.TrainingClient training = new(channel);
            string alone = await StartAsync(training, "alone", Steps);
            await UntilAsync(training, runs => StateOf(runs, alone) == RunState.Completed);
            string[] both = [await StartAsync(training, "one", 2_000), await StartAsync(training, "other", 2_000)];
            string third = await StartAsync(training, "third", Steps);

            await UntilAsync(training, runs => both.All(run => StateOf(runs, run) == RunState.Running && runs.Single(one => one.Id == run).Step >= Steps));
            Assert.Equal(2, DaemonProcess.Workers(data).Distinct().Count());
            Assert.Equal(RunState.Queued, (await training.GetRunAsync(new GetRunRequest { Run = third })).Summary.State);

            foreach (string run in both) await training.StopRunAsync(new StopRunRequest { Run = run });
            await UntilAsync(training, runs => StateOf(runs, third) == RunState.Completed);
            double[] expected = await LossesAsync(training, alone);
            Assert.Equal(Steps, expected.Length);
            foreach (string run in (string[])[.. both, third]) Assert.Equal(expected[0], (await LossesAsync(training, run))[0]);
            Assert.Equal(expected, await LossesAsync(training, third));
            daemon.Terminate();
            Assert.Equal(0, await daemon.WaitForExitAsync());
        }
        Directory.Delete(data, recursive: true);
    }

    private static RunState StateOf(IEnumerable<RunSummary> runs, string id) => runs.Single(run => run.Id == id).State;

    private static async Task UntilAsync(Training.TrainingClient training, Func<IReadOnlyList<RunSummary>, bool> holds)
    {
        using CancellationTokenSource late = new(TimeSpan.FromMinutes(3));
        while (!holds((await training.ListRunsAsync(new ListRunsRequest(), cancellationToken: late.Token)).Runs)) await Task.Delay(20, late.Token);
    }

    private static async Task<double[]> LossesAsync(Training.TrainingClient training, string run)
    {
        List<double> losses = [];
        using CancellationTokenSource late = new(TimeSpan.FromMinutes(3));
        using var watch = training.WatchRun(new WatchRunRequest { Run = run, AfterSequence = 0 }, cancellationToken: late.Token);
        while (await watch.ResponseStream.MoveNext(late.Token))
            losses.AddRange(watch.ResponseStream.Current.Events?.Events.Where(change => change.Steps is not null).SelectMany(change => change.Steps.Points).Select(point => point.Loss) ?? []);
        return [.. losses];
    }

    private static async Task<string> StartAsync(Training.TrainingClient training, string name, int steps) => (await training.StartRunAsync(new StartRunRequest
    {
        Model = "lema-tiny", Dataset = "rows", Name = name,
        Settings = new RunSettings { Steps = steps, MicroBatchSize = 1, MaxLength = 96, Precision = RunSettings.Types.Precision.Fp32, Checkpoint = new CheckpointSettings { EverySteps = steps } },
    })).Summary.Id;

    [Fact]
    public async Task KillNineOfTheDaemon_DuringARun_LeavesNoWorkerAndGoesOnWithoutGapOrRepetition()
    {
        string data = Directory.CreateTempSubdirectory("lema-kill-").FullName;
        string run;
        using (DaemonProcess daemon = await DaemonProcess.StartAsync(data))
        using (GrpcChannel channel = daemon.Open(data))
        {
            run = await StartAndFollowAsync(channel, steps: 3);
            daemon.KillNine();
            await daemon.WaitForExitAsync();
        }
        await FinishAsync(data, run);
        Directory.Delete(data, recursive: true);
    }

    private static async Task<string> StartAndFollowAsync(GrpcChannel channel, int steps)
    {
        await new Protocol.V1.Datasets.DatasetsClient(channel).BuildDatasetAsync(new BuildDatasetRequest { Name = "rows", Rows = 20, HeldoutRows = 10 });
        Training.TrainingClient training = new(channel);
        RunDetail run = await training.StartRunAsync(new StartRunRequest
        {
            Model = "lema-tiny", Dataset = "rows",
            Settings = new RunSettings { Steps = Steps, MicroBatchSize = 1, MaxLength = 96, Precision = RunSettings.Types.Precision.Fp32, Checkpoint = new CheckpointSettings { EverySteps = 2 } },
        });
        using CancellationTokenSource late = new(TimeSpan.FromMinutes(3));
        await foreach (StreamUpdate<WatchRunResponse> update in RunWatch.FollowAsync(training, new WatchRunRequest { Run = run.Summary.Id, AfterSequence = 0 }, late.Token))
            if (update is StreamUpdate<WatchRunResponse>.Message { Value.Events.Run: { } now } && now.Step >= steps) return run.Summary.Id;
        throw new InvalidOperationException("The run ended too soon.");
    }

    private static async Task FinishAsync(string data, string run)
    {
        using DaemonProcess daemon = await DaemonProcess.StartAsync(data);
        using GrpcChannel channel = daemon.Open(data);
        Assert.Single(Directory.GetFiles(Path.Combine(data, "workers"), "*.pid").DefaultIfEmpty(""));
        ulong next = 1;
        List<string> log = [];
        using CancellationTokenSource late = new(TimeSpan.FromMinutes(3));
        await foreach (StreamUpdate<WatchRunResponse> update in RunWatch.FollowAsync(new Training.TrainingClient(channel), new WatchRunRequest { Run = run, AfterSequence = 0 }, late.Token))
            if (update is StreamUpdate<WatchRunResponse>.Message { Value.Events: { } events })
                foreach (RunEvent change in events.Events)
                {
                    Assert.Equal(next, change.Sequence.First);
                    next = change.Sequence.Last + 1;
                    if (change.State is not null || change.Log is not null) log.Add(change.ToString());
                }
        RunDetail ended = await new Training.TrainingClient(channel).GetRunAsync(new GetRunRequest { Run = run });
        Assert.Equal(RunState.Completed, ended.Summary.State);
        Assert.Equal(Steps, ended.Summary.Step);
        Assert.True(ended.Attempts == 2, $"{ended.Attempts} attempts, not 2: {string.Join(Environment.NewLine, log)}");
        daemon.Terminate();
        Assert.Equal(0, await daemon.WaitForExitAsync());
    }
}
