using Grpc.Core;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Runs;
using Lema.Server.Storage;
using Lema.Server.Tests.Fakes;
using Lema.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Lema.Server.Tests;

public sealed class BackupTests
{
    [Fact]
    public async Task Backup_OfARunningDaemon_RestoresRunsEventsAndDatasets()
    {
        string root = Directory.CreateTempSubdirectory("lema-backup-").FullName, backup = Path.Combine(root, "backup"), restored = Path.Combine(root, "restored");
        string id;
        await using (TestDaemon daemon = await TestDaemon.StartAsync())
        {
            await daemon.AddDatasetAsync();
            id = (await daemon.StartRunAsync(6)).Summary.Id;
            await daemon.WaitForAsync(id, RunState.Completed);
            DataBackup.Create(daemon.Folder, backup);
        }
        DataBackup.Restore(backup, restored);
        foreach (string folder in (string[])[backup, restored]) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        await using (TestDaemon daemon = await TestDaemon.StartAsync(restored))
        {
            RunDetail run = await daemon.Training.GetRunAsync(new GetRunRequest { Run = id });
            Assert.Equal(6, run.Summary.Step);
            Assert.True(Directory.Exists(Path.Combine(restored, "runs", id, run.Checkpoints[^1].Path)));
            RunDetail next = await daemon.StartRunAsync(2);
            await daemon.WaitForAsync(next.Summary.Id, RunState.Completed);
        }
        Directory.Delete(root, recursive: true);
    }

    [Fact]
    public void Backup_OfWhatIsNoDataFolder_IsRefusedAndLeavesNothing()
    {
        using TemporaryFolder folder = new();
        Assert.Contains("no data folder", Assert.Throws<InvalidInputException>(() => DataBackup.Create(folder.Path, folder.File("backup"))).Message, StringComparison.Ordinal);
        Assert.Contains("no backup", Assert.Throws<InvalidInputException>(() => DataBackup.Restore(folder.Path, folder.File("restored"))).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Restore_OfADamagedBackup_IsRefusedAndLeavesNothing()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder.File("data"));
        RunDatabase.Open(folder.File("data/lema.db")).Dispose();
        DataBackup.Create(folder.File("data"), folder.File("backup"));
        DatabaseVersionTests.Damage(folder.File("backup/lema.db"));
        Assert.Contains("damaged", Assert.Throws<StorageException>(() => DataBackup.Restore(folder.File("backup"), folder.File("restored"))).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.File("restored")));
    }

    [Fact]
    public void Backup_OfAFolderWithoutAllParts_HoldsThoseThatAreThereAndNothingHalfMade()
    {
        using TemporaryFolder folder = new();
        foreach (string path in (string[])["data/models/mine/config.json", "data/models/.partial-other/config.json", "data/cache/tokens"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(folder.File(path))!);
            File.WriteAllText(folder.File(path), path);
        }
        RunDatabase.Open(folder.File("data/lema.db")).Dispose();
        DataBackup.Create(folder.File("data"), folder.File("backup"));
        DataBackup.Restore(folder.File("backup"), folder.File("restored"));
        Assert.Equal(["lema.db", "models/mine/config.json"], Folders.Files(folder.File("restored")).Select(item => item.Path));
    }

    [Fact]
    public async Task Prune_OfADataFolderThatNeverHadAnUpload_FindsNothing()
    {
        using TemporaryFolder folder = new();
        RunDatabase.Open(folder.File("lema.db")).Dispose();
        Assert.Empty(await Retention.PruneAsync(folder.Path, TimeSpan.Zero, TimeProvider.System));
    }

    [Fact]
    public async Task Prune_OfRunsThatEndedLongAgo_RemovesThemAndTheirFolders()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        RunDetail run = await daemon.StartRunAsync(2, request => request.Name = "old");
        await daemon.WaitForAsync(run.Summary.Id, RunState.Completed);

        Protocol.V1.Artifacts.ArtifactsClient artifacts = new(daemon.Channel);
        Upload left = await artifacts.BeginUploadAsync(new BeginUploadRequest { Kind = UploadKind.Dataset, Name = "left", Files = { new FileEntry { Path = "rows.jsonl", SizeBytes = 100 } } });

        Assert.Empty(await Retention.PruneAsync(daemon.Folder, TimeSpan.FromDays(1), TimeProvider.System));
        Assert.Equal(["old", $"upload {left.Id}"], await Retention.PruneAsync(daemon.Folder, TimeSpan.Zero, TimeProvider.System));
        Assert.False(Directory.Exists(Path.Combine(daemon.Folder, "runs", run.Summary.Id)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(daemon.Folder, "uploads")));
    }

    [Fact(DisplayName = "prune beside a daemon: what a run starts from stays")]
    public async Task Prune_OfARunThatAnotherStartsFrom_WaitsForThatOne()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        RunDetail first = await daemon.StartRunAsync(2, request => request.Name = "first");
        await daemon.WaitForAsync("first", RunState.Completed);
        // The fake engine's checkpoints are no adapters.
        await File.WriteAllTextAsync(Path.Combine(daemon.Folder, "runs", first.Summary.Id, "checkpoints", "checkpoint-2", "adapter_config.json"), """{ "peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj"] }""");
        using SemaphoreSlim gate = daemon.Runner.Gate = new SemaphoreSlim(0);
        await daemon.StartRunAsync(2, request => { request.Name = "second"; request.Settings.InitAdapter = "run/first"; });

        Assert.Empty(await Retention.PruneAsync(daemon.Folder, TimeSpan.Zero, TimeProvider.System));

        gate.Release(10);
        await daemon.WaitForAsync("second", RunState.Completed);
        Assert.Equal(["first", "second"], (await Retention.PruneAsync(daemon.Folder, TimeSpan.Zero, TimeProvider.System)).Order());
    }

    [Fact(DisplayName = "prune beside a daemon: what is merged stays")]
    public async Task Prune_OfARunThatIsBeingMerged_LeavesIt()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.TrainAsync("tuned");
        using SemaphoreSlim go = new(0);
        daemon.Runner.BeforeEnd = () => Assert.True(go.Wait(TimeSpan.FromMinutes(1)));
        Exports.ExportsClient exports = new(daemon.Channel);
        Export merge = await exports.StartMergeAsync(new StartMergeRequest { Run = "tuned" });

        Assert.Empty(await Retention.PruneAsync(daemon.Folder, TimeSpan.Zero, TimeProvider.System));

        go.Release();
        await UntilEndedAsync(exports, merge.Id);
        Assert.Equal(["tuned", $"export {merge.Id}"], await Retention.PruneAsync(daemon.Folder, TimeSpan.Zero, TimeProvider.System));
    }

    [Fact(DisplayName = "prune: what is recorded of merges")]
    public async Task Prune_OfMerges_RemovesWhatIsRecordedOfOldOnesAndLeavesTheirModels()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.TrainAsync("tuned");
        Exports.ExportsClient exports = new(daemon.Channel);
        StartMergeRequest request = new() { Run = "tuned", ModelName = "merged", IdempotencyKey = "once" };
        Export first = await exports.StartMergeAsync(request);
        await UntilEndedAsync(exports, first.Id);
        // The run stays for its sake.
        using SemaphoreSlim go = new(0);
        daemon.Runner.BeforeEnd = () => Assert.True(go.Wait(TimeSpan.FromMinutes(1)));
        Export atWork = await exports.StartMergeAsync(new StartMergeRequest { Run = "tuned", ModelName = "next" });

        Assert.Empty(await Retention.PruneAsync(daemon.Folder, TimeSpan.FromDays(1), TimeProvider.System));
        Assert.Equal([$"export {first.Id}"], await Retention.PruneAsync(daemon.Folder, TimeSpan.Zero, TimeProvider.System));

        Assert.Equal(atWork.Id, Assert.Single((await exports.ListExportsAsync(new ListExportsRequest())).Exports).Id);
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(() => exports.GetExportAsync(new GetExportRequest { Id = first.Id }).ResponseAsync)).StatusCode);
        Assert.True(File.Exists(Path.Combine(daemon.Folder, "models", "merged", "config.json")));
        Assert.Contains((await new Protocol.V1.Models.ModelsClient(daemon.Channel).ListModelsAsync(new ListModelsRequest())).Models, model => model.Name == "merged");
        // Its key is free: the merge is a new one, into a name that is taken.
        Assert.Equal(StatusCode.FailedPrecondition, (await Assert.ThrowsAsync<RpcException>(() => exports.StartMergeAsync(request).ResponseAsync)).StatusCode);
        go.Release();
        await UntilEndedAsync(exports, atWork.Id);
    }

    private static async Task UntilEndedAsync(Exports.ExportsClient exports, string id)
    {
        await foreach (Export _ in exports.WatchExport(new WatchExportRequest { Id = id }).ResponseStream.ReadAllAsync()) { }
    }

    [Fact(DisplayName = "prune beside a daemon: the daemon knows that a run is gone")]
    public async Task Prune_OfARunThatTheDaemonHasInMemory_IsSeenByEveryCall()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        using SemaphoreSlim gate = daemon.Runner.Gate = new SemaphoreSlim(1);
        string run = (await daemon.StartRunAsync(20, request => request.Name = "old")).Summary.Id;
        await daemon.UntilStepAsync(run, 1);
        await daemon.Training.StopRunAsync(new StopRunRequest { Run = run });
        await daemon.WaitForAsync(run, RunState.Stopped);
        RunSession held = daemon.Services.GetRequiredService<RunDirectory>().Get(run);

        Assert.Equal(["old"], await Retention.PruneAsync(daemon.Folder, TimeSpan.Zero, TimeProvider.System));

        RpcException[] refused =
        [
            await Assert.ThrowsAsync<RpcException>(() => daemon.Training.GetRunAsync(new GetRunRequest { Run = run }).ResponseAsync),
            await Assert.ThrowsAsync<RpcException>(() => daemon.Training.ResumeRunAsync(new ResumeRunRequest { Run = run }).ResponseAsync),
        ];
        Assert.All(refused, one => Assert.Equal(StatusCode.NotFound, one.StatusCode));
        // A call that had the run before it was removed.
        await Assert.ThrowsAsync<NotFoundException>(() => daemon.Services.GetRequiredService<RunJournal>().ChangeStateAsync(held, RunState.Stopped, RunState.Queued));
    }

    [Fact(DisplayName = "prune: evaluations")]
    public async Task Prune_OfEvaluations_RemovesOldOnesOfNoRunAndLeavesThoseOfRunsThatStayAndThoseAtWork()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        using SemaphoreSlim gate = daemon.Runner.Gate = new SemaphoreSlim(5);
        await daemon.StartRunAsync(20, request => request.Name = "stays");
        await daemon.UntilStepAsync("stays", 5);
        string ofModel = await EvaluateAsync(daemon, new ModelReference { Model = "lema-tiny" });
        string ofRun = await EvaluateAsync(daemon, new ModelReference { Run = "stays", BaseOnly = true });
        using SemaphoreSlim go = new(0);
        daemon.Runner.BeforeEnd = () => Assert.True(go.Wait(TimeSpan.FromMinutes(1)));
        Evaluation.EvaluationClient evaluations = new(daemon.Channel);
        EvaluationJob atWork = await evaluations.StartEvaluationAsync(new StartEvaluationRequest { Target = new ModelReference { Model = "lema-tiny" }, Dataset = "rows-heldout" });

        Assert.Empty(await Retention.PruneAsync(daemon.Folder, TimeSpan.FromDays(1), TimeProvider.System));
        Assert.Equal([$"evaluation {ofModel}"], await Retention.PruneAsync(daemon.Folder, TimeSpan.Zero, TimeProvider.System));

        go.Release();
        await UntilEndedAsync(evaluations, atWork.Id);
        Assert.Equal([atWork.Id, ofRun], (await evaluations.ListEvaluationsAsync(new ListEvaluationsRequest())).Evaluations.Select(one => one.Id));
        using (var connection = daemon.Services.GetRequiredService<RunDatabase>().Connect())
            Assert.Equal(0, Dapper.SqlMapper.QueryFirst<int>(connection, "SELECT count(*) FROM job_replies WHERE job_id = @ofModel", new { ofModel }));

        gate.Release(100);
        await daemon.WaitForAsync("stays", RunState.Completed);
        Assert.Equal(["stays", $"evaluation {ofRun}", $"evaluation {atWork.Id}"], await Retention.PruneAsync(daemon.Folder, TimeSpan.Zero, TimeProvider.System));
    }

    private static async Task<string> EvaluateAsync(TestDaemon daemon, ModelReference target)
    {
        Evaluation.EvaluationClient evaluations = new(daemon.Channel);
        EvaluationJob job = await evaluations.StartEvaluationAsync(new StartEvaluationRequest { Target = target, Dataset = "rows-heldout" });
        await UntilEndedAsync(evaluations, job.Id);
        return job.Id;
    }

    private static async Task UntilEndedAsync(Evaluation.EvaluationClient evaluations, string id)
    {
        await foreach (WatchEvaluationResponse _ in evaluations.WatchEvaluation(new WatchEvaluationRequest { Id = id }).ResponseStream.ReadAllAsync()) { }
    }

    [Fact(DisplayName = "prune beside a daemon: an upload that is just being made stays")]
    public async Task Prune_OfAnUploadWithoutFilesYet_LeavesIt()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        string made = Directory.CreateDirectory(Path.Combine(daemon.Folder, "uploads", new string('a', 32), "files")).Parent!.FullName;
        Assert.Empty(await Retention.PruneAsync(daemon.Folder, TimeSpan.FromDays(1), TimeProvider.System));
        Assert.True(Directory.Exists(made));
    }
}
