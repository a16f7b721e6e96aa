using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Grpc.Core;
using Grpc.Net.Client;
using Lema.Engine.Checkpoints;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Testing;

namespace Lema.Server.Tests.Faults;

/// <summary>
/// A daemon and its workers, processes of their own, that are killed at random moments of training, saving, preparing and merging. After each kill the disk and the
/// database have to agree and hold whole checkpoints only; each run has to end with the losses and the files of one that was left alone.
/// </summary>
internal sealed class KillLoop : IAsyncDisposable
{
    private const int Steps = 6;
    private const string Undisturbed = "undisturbed";

    private static readonly string[] Compared = ["adapter_model.safetensors", "optimizer.safetensors"];

    private readonly string _data = Directory.CreateTempSubdirectory("lema-kills-").FullName;
    private readonly Random _random;
    private readonly Action<string> _say;
    private DaemonProcess _daemon = null!;
    private GrpcChannel _channel = null!;
    private Expected? _expected;
    private long _attemptMilliseconds = 2_000;

    private KillLoop(int seed, Action<string> say) => (_random, _say) = (new Random(seed), say);

    private sealed record Expected(IReadOnlyList<double> Losses, IReadOnlyList<string> Hashes, string Merged);

    /// <summary>Kills so far, by what was killed.</summary>
    public Dictionary<string, int> Kills { get; } = new() { ["worker"] = 0, ["daemon"] = 0 };

    private int Killed => Kills.Values.Sum();

    private Training.TrainingClient Training => new(_channel);

    public static async Task<KillLoop> RunAsync(int kills, int seed, Action<string> say)
    {
        KillLoop loop = new(seed, say);
        await loop.StartDaemonAsync();
        await new Protocol.V1.Datasets.DatasetsClient(loop._channel).BuildDatasetAsync(new BuildDatasetRequest { Name = "rows", Rows = 20, HeldoutRows = 10 });
        await loop.TrainUndisturbedAsync();
        for (int run = 1; loop.Killed < kills; run++) await loop.TrainAndKillAsync($"run-{run}", kills);
        return loop;
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        _daemon.KillNine();
        await _daemon.WaitForExitAsync();
        _daemon.Dispose();
        Directory.Delete(_data, recursive: true);
    }

    private async Task TrainUndisturbedAsync()
    {
        Stopwatch clock = Stopwatch.StartNew();
        await StartAsync(Undisturbed);
        RunDetail run = await UntilAsync(Undisturbed, RunState.Completed);
        _attemptMilliseconds = clock.ElapsedMilliseconds;
        _say($"undisturbed: {_attemptMilliseconds} ms");
        _expected = new Expected(await LossesAsync(Undisturbed), Hashes(run), "");
        Export merged = await MergeAsync(Undisturbed);
        Assert.Equal(JobState.Completed, merged.State);
        _expected = _expected with { Merged = HashOf(Path.Combine(_data, "models", Undisturbed + "-merged", "model.safetensors")) };
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
        await MergeAndKillAsync(name, kills);
        _say($"{name}: {ended.Attempts} attempts; {Killed} kills so far");
        await Training.DeleteRunAsync(new DeleteRunRequest { Run = name });
    }

    /// <summary>A merge, sometimes cut off: what it leaves is the whole model or none.</summary>
    private async Task MergeAndKillAsync(string name, int kills)
    {
        string folder = Path.Combine(_data, "models", name + "-merged");
        Task<Export> merging = MergeAsync(name);
        if (Killed < kills && _random.Next(2) == 0) await KillSometimeAsync(longest: 1_000);
        await merging;
        if (Directory.Exists(folder)) Assert.Equal(_expected!.Merged, HashOf(Path.Combine(folder, "model.safetensors")));
        bool listed = (await new Protocol.V1.Models.ModelsClient(_channel).ListModelsAsync(new ListModelsRequest())).Models.Any(model => model.Name == name + "-merged");
        Assert.Equal(Directory.Exists(folder), listed);
        Assert.Empty(Directory.GetDirectories(Path.Combine(_data, "models"), ".*"));
        if (listed) await new Protocol.V1.Models.ModelsClient(_channel).DeleteModelAsync(new DeleteModelRequest { Name = name + "-merged" });
    }

    private async Task<Export> MergeAsync(string run)
    {
        Exports.ExportsClient exports = new(_channel);
        Export export = new();
        try
        {
            export = await exports.StartMergeAsync(new StartMergeRequest { Run = run, ModelName = run + "-merged", IdempotencyKey = "merge " + run });
            await foreach (Export now in exports.WatchExport(new WatchExportRequest { Id = export.Id }).ResponseStream.ReadAllAsync()) export = now;
        }
        catch (RpcException)
        {
            // The daemon was killed.
        }
        return export;
    }

    /// <summary>Waits for a moment by chance, sometimes for one at which a checkpoint is being written, and kills.</summary>
    private async Task KillSometimeAsync(int? longest = null)
    {
        Stopwatch waited = Stopwatch.StartNew();
        if (longest is null && _random.Next(3) == 0) await UntilWritingAsync();
        else await Task.Delay(_random.Next(longest ?? (int)(_attemptMilliseconds * 5 / 4)));
        await Task.Delay(TimeSpan.FromMilliseconds(_random.NextDouble() * 5));
        bool daemon = _random.Next(4) == 0;
        if (daemon)
        {
            _daemon.KillNine();
            await _daemon.WaitForExitAsync();
            Kills["daemon"]++;
            _channel.Dispose();
            _daemon.Dispose();
            await StartDaemonAsync();
        }
        else if (KillWorker())
        {
            Kills["worker"]++;
        }
    }

    private async Task UntilWritingAsync()
    {
        int times = _random.Next(1, 4);
        using FileSystemWatcher watcher = new(Path.Combine(_data, "runs")) { IncludeSubdirectories = true, NotifyFilter = NotifyFilters.DirectoryName | NotifyFilters.FileName };
        TaskCompletionSource seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        void See(object sender, FileSystemEventArgs change)
        {
            if (change.Name!.Contains("partial", StringComparison.Ordinal) && --times <= 0) seen.TrySetResult();
        }
        watcher.Created += See;
        watcher.Renamed += See;
        watcher.EnableRaisingEvents = true;
        await Task.WhenAny(seen.Task, Task.Delay(TimeSpan.FromMilliseconds(2 * _attemptMilliseconds)));
    }

    private bool KillWorker()
    {
        foreach (string note in Directory.GetFiles(Path.Combine(_data, "workers"), "*.pid"))
        {
            try
            {
                using Process process = Process.GetProcessById(int.Parse(File.ReadAllText(note).Split(' ')[0], CultureInfo.InvariantCulture));
                process.Kill();
                return true;
            }
            catch (Exception gone) when (gone is ArgumentException or InvalidOperationException or FormatException or IOException)
            {
                // It has just ended by itself.
            }
        }
        return false;
    }

    private async Task StartDaemonAsync()
    {
        _daemon = await DaemonProcess.StartAsync(_data);
        _channel = _daemon.Open(_data);
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
        string folder = Path.Combine(_data, "runs", run.Summary.Id, "checkpoints");
        string[] there = Directory.Exists(folder) ? [.. Directory.GetFileSystemEntries(folder).Select(path => "checkpoints/" + Path.GetFileName(path)).Order()] : [];
        Assert.Equal(run.Checkpoints.Select(c => c.Path).Order(), there);
        Assert.All(there, path => Assert.Null(CheckpointVerifier.Verify(Path.Combine(_data, "runs", run.Summary.Id, path)).Fault));
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

    private string[] Hashes(RunDetail run) => [.. Compared.Select(file => HashOf(Path.Combine(_data, "runs", run.Summary.Id, run.Checkpoints.MaxBy(c => c.Step)!.Path, file)))];

    private static string HashOf(string file) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)));
}
