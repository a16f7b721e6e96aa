using Lema.Protocol.V1;
using Lema.Server.Storage;
using Lema.Server.Tests.Fakes;

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
}
