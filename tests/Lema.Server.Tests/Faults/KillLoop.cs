using System.Diagnostics;
using Grpc.Core;
using Lema.Engine.Checkpoints;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Testing;

namespace Lema.Server.Tests.Faults;

/// <summary>
/// Runs whose daemon and workers are killed at random moments of training and saving, and then of merging. After each kill the disk and the database have to agree and
/// hold whole checkpoints only; each run has to end with the losses and the files of one that was left alone.
/// </summary>
internal sealed class KillLoop : IAsyncDisposable
{
    private const int Steps = 6, Merges = 4;
    private const string Undisturbed = "undisturbed";

    private static readonly string[] Compared = ["adapter_model.safetensors", "optimizer.safetensors"];

    private readonly KilledDaemon _daemon = new();
    private readonly Random _random;
    private readonly MergeKills _merges;
    private readonly Action<string> _say;
    private Expected? _expected;
    private long _attemptMilliseconds = 2_000;

    private KillLoop(int seed, Action<string> say)
    {
        _random = new Random(seed);
        _merges = new MergeKills(_daemon, _random);
        _say = say;
    }

    private sealed record Expected(IReadOnlyList<double> Losses, IReadOnlyList<string> Hashes);

    private int Killed => _daemon.Killed;

    private Training.TrainingClient Training => new(_daemon.Channel);

    public static async Task RunAsync(int kills, int seed, Action<string> say)
    {
        await using KillLoop loop = new(seed, say);
        await loop._daemon.StartAsync();
        await new Protocol.V1.Datasets.DatasetsClient(loop._daemon.Channel).BuildDatasetAsync(new BuildDatasetRequest { Name = "rows", Rows = 20, HeldoutRows = 10 });
        await loop.TrainUndisturbedAsync();
        for (int run = 1; loop.Killed < kills; run++) await loop.TrainAndKillAsync($"run-{run}", kills);
        say($"{loop._daemon.Kills["worker"]} workers and {loop._daemon.Kills["daemon"]} daemons killed, seed {seed}");
        foreach ((string end, int times) in loop._merges.Ends) say($"{times} x {end}");
    }

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    private async Task TrainUndisturbedAsync()
    {
        Stopwatch clock = Stopwatch.StartNew();
        await StartAsync(Undisturbed);
        RunDetail run = await UntilAsync(Undisturbed, RunState.Completed);
        _attemptMilliseconds = clock.ElapsedMilliseconds;
        _say($"undisturbed: {_attemptMilliseconds} ms");
        _expected = new Expected(await LossesAsync(Undisturbed), Hashes(run));
        await _merges.MergeUndisturbedAsync(Undisturbed, "merged");
    }

    private async Task TrainAndKillAsync(string name, int kills)
    {
        await StartAsync(name);
        while (true)
        {
            if (Killed < kills) await KillSometimeAsync();
            RunDetail run = await UntilAsync(name, RunState.Completed, RunState.Interrupted);
            if (run.Summary.State == RunState.Completed) break;
            CheckCheckpoints(run);
            await Training.ResumeRunAsync(new ResumeRunRequest { Run = name });
        }
        RunDetail ended = await Training.GetRunAsync(new GetRunRequest { Run = name });
        Assert.Equal(_expected!.Losses, await LossesAsync(name));
        Assert.Equal(_expected.Hashes, Hashes(ended));
        await CheckLogAsync(name);
        for (int merge = 1; merge <= Merges; merge++) await _merges.MergeAndDeleteAsync(name, $"{name}-merged-{merge}", mayKill: Killed < kills);
        _say($"{name}: {ended.Attempts} attempts; {Killed} kills so far");
        await Training.DeleteRunAsync(new DeleteRunRequest { Run = name });
    }

    /// <summary>Waits for a moment by chance, sometimes for one at which a checkpoint is being written, and kills.</summary>
    private async Task KillSometimeAsync()
    {
        if (_random.Next(3) == 0) await _daemon.UntilMadeAsync("runs", "partial", times: _random.Next(1, 4), TimeSpan.FromMilliseconds(2 * _attemptMilliseconds));
        else await Task.Delay(_random.Next((int)(_attemptMilliseconds * 5 / 4)));
        await Task.Delay(TimeSpan.FromMilliseconds(_random.NextDouble() * 5));
        if (_random.Next(4) == 0) await _daemon.KillAsync();
        else _daemon.KillWorker();
    }

    private async Task StartAsync(string name) => await Training.StartRunAsync(new StartRunRequest
    {
        Name = name, Model = "lema-tiny", Dataset = "rows",
        Settings = new RunSettings
        {
            Steps = Steps, MicroBatchSize = 1, MaxLength = 96, Precision = RunSettings.Types.Precision.Fp32, Lora = new LoraSettings { R = 4, Dropout = 0.1 }, AutoResume = false,
            Memory = new MemorySettings { WeightBytes = 4_000_000 }, Checkpoint = new CheckpointSettings { EverySteps = 1, KeepLast = 2 },
        },
    });

    private async Task<RunDetail> UntilAsync(string run, params RunState[] states)
    {
        using CancellationTokenSource late = new(TimeSpan.FromMinutes(20));
        await foreach (StreamUpdate<WatchRunResponse> update in RunWatch.FollowAsync(Training, new WatchRunRequest { Run = run, ProgressIntervalSeconds = 0.05 }, late.Token))
            if (update is StreamUpdate<WatchRunResponse>.Message { Value: var message } && states.Contains((message.Snapshot?.Run.Summary ?? message.Events.Run).State)) break;
        RunDetail detail = await Training.GetRunAsync(new GetRunRequest { Run = run });
        Assert.True(states.Contains(detail.Summary.State), $"{run} is {detail.Summary.State}: {detail.Summary.Reason}");
        return detail;
    }

    private void CheckCheckpoints(RunDetail run)
    {
        string folder = Path.Combine(_daemon.Data, "runs", run.Summary.Id, "checkpoints");
        string[] there = Directory.Exists(folder) ? [.. Directory.GetFileSystemEntries(folder).Select(path => "checkpoints/" + Path.GetFileName(path)).Order()] : [];
        Assert.Equal(run.Checkpoints.Select(c => c.Path).Order(), there);
        Assert.All(there, path => Assert.Null(CheckpointVerifier.Verify(Path.Combine(_daemon.Data, "runs", run.Summary.Id, path)).Fault));
    }

    private async Task CheckLogAsync(string run)
    {
        ulong next = 1;
        await foreach (WatchRunResponse response in Training.WatchRun(new WatchRunRequest { Run = run, AfterSequence = 0 }).ResponseStream.ReadAllAsync())
            foreach (RunEvent change in response.Events.Events)
            {
                Assert.Equal(next, change.Sequence.First);
                next = change.Sequence.Last + 1;
            }
    }

    private async Task<IReadOnlyList<double>> LossesAsync(string run) =>
        (await Training.GetMetricsAsync(new GetMetricsRequest { Run = run, Series = { "loss" } })).Series.Single().Values;

    private string[] Hashes(RunDetail run) => [.. Compared.Select(file => Sha256.OfFile(Path.Combine(_daemon.Data, "runs", run.Summary.Id, run.Checkpoints.MaxBy(c => c.Step)!.Path, file)))];
}
