using System.Diagnostics;
using Grpc.Core;
using Lema.Engine.Checkpoints;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Server.Security;
using Lema.Server.Storage;
using Lema.Server.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace Lema.Server.Tests.Faults;

/// <summary>A data folder on a small file system in memory that somebody fills. Where mounting is not allowed these say so; the file layer's own tests fail every write.</summary>
[Collection("real workers")]
public sealed class DiskFullTests
{
    [Fact(DisplayName = "disk full, quota")]
    public async Task DiskFull_DuringARun_PausesItAndGoesOnWhenThereIsSpace()
    {
        using SmallDisk disk = SmallDisk.Mount(megabytes: 96);
        await using TestDaemon daemon = await TestDaemon.StartAsync(disk.Folder("data"), realWorkers: true);
        await daemon.AddDatasetAsync();
        RunDetail run = await daemon.StartRunAsync(2_000, request =>
        {
            request.Name = "full";
            request.Settings.MicroBatchSize = 1;
            request.Settings.MaxLength = 64;
            request.Settings.Lora = new LoraSettings { R = 4 };
            request.Settings.Checkpoint = new CheckpointSettings { EverySteps = 1, KeepLast = 2 };
        });
        await daemon.WaitForAsync(run.Summary.Id, RunState.Running);

        disk.Fill();
        RunSummary paused = await daemon.WaitForAsync(run.Summary.Id, RunState.Paused);
        Assert.Contains("full", paused.Reason, StringComparison.Ordinal);
        RunDetail waiting = await daemon.Training.GetRunAsync(new GetRunRequest { Run = "full" });
        Assert.True(waiting.WaitsForDisk);
        string[] checkpoints = [.. waiting.Checkpoints.Select(c => Path.Combine(disk.Folder("data"), "runs", run.Summary.Id, c.Path))];
        Assert.All(checkpoints, folder => Assert.Null(CheckpointVerifier.Verify(folder).Fault));

        disk.Free();
        await daemon.WaitForAsync(run.Summary.Id, RunState.Running);
        await daemon.Training.StopRunAsync(new StopRunRequest { Run = "full" });
        await daemon.WaitForAsync(run.Summary.Id, RunState.Stopped);
    }

    [Fact(DisplayName = "disk full, quota: also after a restart of the daemon")]
    public async Task DaemonRestarted_WhileARunWaitsForTheDisk_GoesOnWhenThereIsSpace()
    {
        using SmallDisk disk = SmallDisk.Mount(megabytes: 64);
        string id;
        FakeJobRunner runner = new() { BeforeStep = step => { if (step == 7) disk.Fill(); } };
        await using (TestDaemon daemon = await TestDaemon.StartAsync(disk.Folder("data"), runner))
        {
            await daemon.AddDatasetAsync();
            id = (await daemon.StartRunAsync(20)).Summary.Id;
            await daemon.WaitForAsync(id, RunState.Paused);
        }
        await using (TestDaemon daemon = await TestDaemon.StartAsync(disk.Folder("data")))
        {
            Assert.True((await daemon.Training.GetRunAsync(new GetRunRequest { Run = id })).WaitsForDisk);
            disk.Free();
            await daemon.WaitForAsync(id, RunState.Completed);
            RunDetail ended = await daemon.Training.GetRunAsync(new GetRunRequest { Run = id });
            Assert.False(ended.WaitsForDisk);
            Assert.Equal(20, ended.Summary.Step);
        }
    }

    [Fact(DisplayName = "disk full, quota: every call is answered and on record, and doctor says what is wrong")]
    public async Task Calls_WhileTheDiskIsFull_AreRefusedWithTheReasonAndOnRecordAfterwards()
    {
        const int calls = 60;
        using SmallDisk disk = SmallDisk.Mount(megabytes: 64);
        string audit = Path.Combine(disk.Folder("data"), "audit.jsonl");
        await using (TestDaemon daemon = await TestDaemon.StartAsync(disk.Folder("data"), realWorkers: true,
            // Put aside now and then, also while there is no room for the next.
            configure: services => services.AddSingleton(new AuditFiles(audit, mostBytes: 2_000, kept: 100))))
        {
            disk.Fill();
            for (int i = 0; i < calls; i++)
            {
                RpcException refused = await Assert.ThrowsAsync<RpcException>(() => daemon.AddDatasetAsync($"rows{i}"));
                Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
            }
            DiagnoseResponse diagnosis = await new Protocol.V1.Host.HostClient(daemon.Channel).DiagnoseAsync(new DiagnoseRequest());
            Assert.Contains(diagnosis.Findings, finding => finding.Subject == "disk space" && finding.Severity == Diagnosis.Types.Severity.Warning);
            disk.Free();
            await daemon.AddDatasetAsync();
        }
        Assert.True(AuditFiles.Aside(audit).Count() > 3);
        string[] lines = [.. AuditFiles.Aside(audit).Select(file => file.Path).Append(audit).SelectMany(File.ReadAllLines)];
        Assert.Equal(calls, lines.Count(line => line.Contains("\"target\":\"rows", StringComparison.Ordinal) && line.Contains("ResourceExhausted", StringComparison.Ordinal)));
        Assert.All(lines, line => System.Text.Json.JsonDocument.Parse(line).Dispose());
    }

    [Fact(DisplayName = "disk full, quota: a daemon that is told to stop exits with 0")]
    public async Task Sigterm_WhileTheDiskIsFull_ExitsZero()
    {
        using SmallDisk disk = SmallDisk.Mount(megabytes: 64);
        string data = disk.Folder("data");
        using DaemonProcess daemon = await DaemonProcess.StartAsync(data);
        using var channel = daemon.Open(data);
        disk.Fill();
        Protocol.V1.Datasets.DatasetsClient datasets = new(channel);
        for (int i = 0; i < 40; i++)
            await Assert.ThrowsAsync<RpcException>(() => datasets.BuildDatasetAsync(new BuildDatasetRequest { Name = $"rows{i}", Rows = 20, HeldoutRows = 10 }).ResponseAsync);
        daemon.Terminate();
        Assert.Equal(0, await daemon.WaitForExitAsync());
    }

    [Fact(DisplayName = "disk full, quota: a daemon that has not even its reserve starts, and takes its runs up when there is space")]
    public async Task Start_OnAFullDiskAfterAKill_AnswersAndTakesUpItsRunsLater()
    {
        using SmallDisk disk = SmallDisk.Mount(megabytes: 64);
        string data = disk.Folder("data"), run;
        using (DaemonProcess daemon = await DaemonProcess.StartAsync(data))
        using (var channel = daemon.Open(data))
        {
            await new Protocol.V1.Datasets.DatasetsClient(channel).BuildDatasetAsync(new BuildDatasetRequest { Name = "rows", Rows = 20, HeldoutRows = 10 });
            Training.TrainingClient training = new(channel);
            run = (await training.StartRunAsync(new StartRunRequest { Model = "lema-tiny", Dataset = "rows", Settings = new RunSettings { Steps = 2_000, MicroBatchSize = 1, MaxLength = 64, Lora = new LoraSettings { R = 4 } } })).Summary.Id;
            using CancellationTokenSource late = new(TimeSpan.FromMinutes(3));
            await foreach (StreamUpdate<WatchRunResponse> update in RunWatch.FollowAsync(training, new WatchRunRequest { Run = run, AfterSequence = 0 }, late.Token))
                if (update is StreamUpdate<WatchRunResponse>.Message { Value.Events.Run: { State: RunState.Running } }) break;
            daemon.KillNine();
            await daemon.WaitForExitAsync();
        }
        File.Delete(Path.Combine(data, "reserve"));
        disk.Fill();
        await using TestDaemon again = await TestDaemon.StartAsync(data, realWorkers: true);
        Assert.Equal(run, (await again.Training.GetRunAsync(new GetRunRequest { Run = run })).Summary.Id);
        disk.Free();
        using CancellationTokenSource patience = new(TimeSpan.FromMinutes(3));
        while ((await again.Training.GetRunAsync(new GetRunRequest { Run = run })) is not { Attempts: >= 2, Summary.State: RunState.Running }) await Task.Delay(50, patience.Token);
        await again.Training.StopRunAsync(new StopRunRequest { Run = run });
        await again.WaitForAsync(run, RunState.Stopped);
    }

    [Fact(DisplayName = "disk full, quota: a daemon that was stopped in order starts on what it holds in reserve")]
    public async Task Start_OnAFullDiskAfterACleanStop_AnswersFromTheReserve()
    {
        using SmallDisk disk = SmallDisk.Mount(megabytes: 64);
        string data = disk.Folder("data");
        await using (TestDaemon daemon = await TestDaemon.StartAsync(data)) await daemon.AddDatasetAsync();
        Assert.False(File.Exists(Path.Combine(data, "lema.db-shm")));
        disk.Fill();
        await using TestDaemon again = await TestDaemon.StartAsync(data);
        Assert.False(File.Exists(Path.Combine(data, "reserve")));
        string run = (await again.StartRunAsync(2)).Summary.Id;
        await again.WaitForAsync(run, RunState.Paused);
        disk.Free();
        await again.WaitForAsync(run, RunState.Completed);
    }

    /// <summary>A tmpfs of some megabytes.</summary>
    private sealed class SmallDisk : IDisposable
    {
        private readonly string _root;

        private SmallDisk(string root) => _root = root;

        public static SmallDisk Mount(int megabytes)
        {
            string root = Directory.CreateTempSubdirectory("lema-disk-").FullName;
            bool mounted = OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", root);
            if (!mounted) Directory.Delete(root);
            Assert.SkipUnless(mounted, "Mounting a small file system is not allowed here.");
            return new SmallDisk(root);
        }

        public string Folder(string name) => Path.Combine(_root, name);

        public void Fill()
        {
            using FileStream filler = new(Path.Combine(_root, "filler"), FileMode.Append);
            byte[] block = new byte[1 << 16];
            try
            {
                while (true) filler.Write(block);
            }
            catch (IOException full) when (FullDisk.IsWhy(full))
            {
                // That was the aim.
            }
        }

        public void Free() => File.Delete(Path.Combine(_root, "filler"));

        public void Dispose()
        {
            Run("umount", "-l", _root);
            Directory.Delete(_root);
        }

        private static bool Run(string program, params string[] arguments)
        {
            try
            {
                ProcessStartInfo start = new(program, arguments) { RedirectStandardError = true };
                using Process process = Process.Start(start)!;
                process.StandardError.ReadToEnd();
                process.WaitForExit();
                return process.ExitCode == 0;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                return false;
            }
        }
    }
}
