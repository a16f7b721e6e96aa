using System.Diagnostics;
using Lema.Protocol.V1;
using Lema.Server.Monitoring;
using Lema.Server.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace Lema.Server.Tests.Faults;

/// <summary>Faults of real engine workers: processes of their own that train the embedded model.</summary>
[Collection("real workers")]
public sealed class WorkerFaultTests
{
    private const int Steps = 8;

    [Fact]
    public async Task KillNineOfTheWorker_DuringARun_EndsBitEqualToTheUninterruptedRun()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync(realWorkers: true);
        await daemon.AddDatasetAsync();
        RunDetail whole = await TrainAsync(daemon, "whole", killAfterStep: 0);
        int killAfter = Random.Shared.Next(2, Steps - 1);
        RunDetail killed = await TrainAsync(daemon, "killed", killAfter);

        Assert.True(killed.Attempts == 2, $"killed after step {killAfter}");
        Assert.Equal(await LossesAsync(daemon, whole), await LossesAsync(daemon, killed));
        foreach (string file in (string[])["adapter_model.safetensors", "optimizer.safetensors"])
            Assert.True(File.ReadAllBytes(PathOf(daemon, whole, file)).AsSpan().SequenceEqual(File.ReadAllBytes(PathOf(daemon, killed, file))), $"{file}, killed after step {killAfter}");
    }

    [Fact(DisplayName = "one bit flipped in a checkpoint")]
    public async Task OneBitFlippedInTheNewestCheckpoint_OnResume_FallsBackToTheOneBefore()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync(realWorkers: true);
        await daemon.AddDatasetAsync();
        RunDetail run = await daemon.StartRunAsync(40, request => Small(request, "flipped"));
        await daemon.UntilStepAsync(run.Summary.Id, 5);
        await daemon.Training.StopRunAsync(new StopRunRequest { Run = "flipped" });
        await daemon.WaitForAsync("flipped", RunState.Stopped);
        RunDetail stopped = await daemon.Training.GetRunAsync(new GetRunRequest { Run = "flipped" });
        string newest = PathOf(daemon, stopped, "adapter_model.safetensors");
        byte[] bytes = File.ReadAllBytes(newest);
        bytes[^1] ^= 1;
        File.WriteAllBytes(newest, bytes);

        await daemon.Training.ResumeRunAsync(new ResumeRunRequest { Run = "flipped" });
        using CancellationTokenSource late = new(TimeSpan.FromMinutes(4));
        List<string> log = [];
        while (!log.Any(line => line.Contains("Going on from", StringComparison.Ordinal)))
        {
            late.Token.ThrowIfCancellationRequested();
            log = [.. (await daemon.Training.ReadLogAsync(new ReadLogRequest { Run = "flipped" })).Lines.Select(line => line.Line.Text)];
            await daemon.Services.GetRequiredService<Runs.RunDirectory>().Get("flipped").NextChange.Any.WaitAsync(TimeSpan.FromSeconds(1), late.Token).ContinueWith(_ => { }, TaskScheduler.Default);
        }
        Assert.Contains(log, line => line.Contains("damaged", StringComparison.Ordinal));
        Assert.DoesNotContain(log, line => line.Contains($"Going on from the checkpoint of step {stopped.Checkpoints[^1].Step}.", StringComparison.Ordinal));
    }

    private static void Small(StartRunRequest request, string name)
    {
        request.Name = name;
        request.Settings.MicroBatchSize = 1;
        request.Settings.MaxLength = 96;
        request.Settings.Precision = RunSettings.Types.Precision.Fp32;
        request.Settings.Lora = new LoraSettings { R = 4, Dropout = 0.1 };
        request.Settings.Memory = new MemorySettings { WeightBytes = 4_000_000 };
        request.Settings.Checkpoint = new CheckpointSettings { EverySteps = 2 };
    }

    private static async Task<RunDetail> TrainAsync(TestDaemon daemon, string name, int killAfterStep)
    {
        RunDetail run = await daemon.StartRunAsync(Steps, request => Small(request, name));
        if (killAfterStep > 0)
        {
            await daemon.UntilStepAsync(run.Summary.Id, killAfterStep);
            int worker = daemon.Services.GetRequiredService<WorkerBoard>().ProcessIdOf(run.Summary.Id) ?? throw new InvalidOperationException("The run has no worker.");
            using Process process = Process.GetProcessById(worker);
            process.Kill();
        }
        await daemon.WaitForAsync(run.Summary.Id, RunState.Completed);
        return await daemon.Training.GetRunAsync(new GetRunRequest { Run = run.Summary.Id });
    }

    private static async Task<IReadOnlyList<double>> LossesAsync(TestDaemon daemon, RunDetail run) =>
        (await daemon.Training.GetMetricsAsync(new GetMetricsRequest { Run = run.Summary.Id, Series = { "loss" } })).Series.Single().Values;

    private static string PathOf(TestDaemon daemon, RunDetail run, string file) => Path.Combine(daemon.Folder, "runs", run.Summary.Id, run.Checkpoints[^1].Path, file);
}
