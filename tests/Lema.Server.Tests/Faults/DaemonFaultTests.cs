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
        using CancellationTokenSource late = new(TimeSpan.FromMinutes(3));
        await foreach (StreamUpdate<WatchRunResponse> update in RunWatch.FollowAsync(new Training.TrainingClient(channel), new WatchRunRequest { Run = run, AfterSequence = 0 }, late.Token))
            if (update is StreamUpdate<WatchRunResponse>.Message { Value.Events: { } events })
                foreach (RunEvent change in events.Events)
                {
                    Assert.Equal(next, change.Sequence.First);
                    next = change.Sequence.Last + 1;
                }
        RunDetail ended = await new Training.TrainingClient(channel).GetRunAsync(new GetRunRequest { Run = run });
        Assert.Equal(RunState.Completed, ended.Summary.State);
        Assert.Equal(Steps, ended.Summary.Step);
        Assert.Equal(2, ended.Attempts);
        daemon.Terminate();
        Assert.Equal(0, await daemon.WaitForExitAsync());
    }
}
