using Lema.Engine.Checkpoints;
using Lema.Engine.Errors;
using Lema.Testing;

namespace Lema.Engine.Tests.Checkpoints;

/// <summary>Every operation of a save is made to die and to fail in turn: a new step with pruning, and the replacement of a step.</summary>
public sealed class CheckpointFaultTests
{
    private const int KeepLast = 2;

    public static TheoryData<int> NewSteps => [3, 2];

    [Theory(DisplayName = "kill -9 at every named point of a checkpoint")]
    [MemberData(nameof(NewSteps))]
    public void Save_KilledAnywhere_LeavesTheOldOrTheNewState(int step)
    {
        int operations = Count(step);
        Assert.InRange(operations, 9, 40);
        for (int i = 0; i < operations; i++)
        {
            KillAndReopen(step, folder => new FaultyFileLayer(folder) { KillBefore = i });
            KillAndReopen(step, folder => new FaultyFileLayer(folder) { KillAfter = i });
        }
    }

    [Theory]
    [MemberData(nameof(NewSteps))]
    public void Save_KilledWhileFilesAreWritten_LeavesTheOldState(int step)
    {
        using TemporaryFolder folder = Prepare();
        FaultyFileLayer files = new(folder.Path);
        Assert.Throws<KilledException>(() => new CheckpointStore(folder.Path, KeepLast, files).Save(step, partial =>
        {
            File.WriteAllText(Path.Combine(partial, "adapter_model.safetensors"), "ha");
            files.Kill("while writing");
        }));
        AssertOldOrNew(folder.Path, step);
    }

    [Theory(DisplayName = "disk full, quota: at every point of a checkpoint")]
    [MemberData(nameof(NewSteps))]
    public void Save_OnFullDisk_ThrowsTypedAndKeepsTheOldStateAndThenSucceeds(int step)
    {
        int opening = Opening(), operations = Count(step);
        for (int i = opening; i < operations; i++)
        {
            using TemporaryFolder folder = Prepare();
            FaultyFileLayer files = new(folder.Path) { DiskFullAt = i };
            CheckpointStore store = new(folder.Path, KeepLast, files);
            StorageException fault = Assert.Throws<StorageException>(() => store.Save(step, Write("new")));
            Assert.True(fault.IsDiskFull, files.Operations[i]);
            Assert.NotNull(store.FindLatest().Found);
            Assert.DoesNotContain(Directory.EnumerateDirectories(folder.Path), path => Path.GetFileName(path).StartsWith(".partial-", StringComparison.Ordinal));
            AssertOldOrNew(folder.Path, step);

            store.Save(step, Write("new"));
            Assert.Equal("new", Content(store.FindLatest().Found!));
        }
    }

    [Fact]
    public void Save_OfNewStep_SyncsEverythingBeforeItRenamesAndDeletesLast()
    {
        using TemporaryFolder folder = Prepare();
        FaultyFileLayer files = new(folder.Path);
        new CheckpointStore(folder.Path, KeepLast, files).Save(3, Write("new"));
        Assert.Equal(
            ["create .partial-checkpoint-3", "write manifest.json", "sync adapter_model.safetensors", "sync manifest.json", "sync folder .partial-checkpoint-3",
                "rename .partial-checkpoint-3", $"sync folder {Path.GetFileName(folder.Path)}", "rename checkpoint-1", "delete .deleted-checkpoint-1"],
            files.Operations.Skip(Opening()));
    }

    private static void KillAndReopen(int step, Func<string, FaultyFileLayer> layer)
    {
        using TemporaryFolder folder = Prepare();
        Assert.Throws<KilledException>(() => new CheckpointStore(folder.Path, KeepLast, layer(folder.Path)).Save(step, Write("new")));
        AssertOldOrNew(folder.Path, step);
    }

    private static void AssertOldOrNew(string folder, int step)
    {
        CheckpointStore reopened = new(folder, KeepLast);
        CheckpointSearch search = reopened.FindLatest();
        Assert.Empty(search.PassedOver);
        Assert.All(reopened.List(), checkpoint => Assert.Null(CheckpointVerifier.Verify(checkpoint.Folder).Fault));
        Assert.Equal(search.Found!.Step == 3 || Content(search.Found) == "new" ? "new" : "old", Content(search.Found));
        Assert.InRange(search.Found.Step, 2, step);
        Assert.InRange(reopened.List().Count, KeepLast, KeepLast + 1);
        Assert.All(Directory.EnumerateFileSystemEntries(folder), path => Assert.StartsWith("checkpoint-", Path.GetFileName(path)));
    }

    private static TemporaryFolder Prepare()
    {
        TemporaryFolder folder = new();
        CheckpointStore store = new(folder.Path, KeepLast);
        store.Save(1, Write("old"));
        store.Save(2, Write("old"));
        return folder;
    }

    private static int Opening()
    {
        using TemporaryFolder folder = Prepare();
        FaultyFileLayer files = new(folder.Path);
        _ = new CheckpointStore(folder.Path, KeepLast, files);
        return files.Operations.Count;
    }

    private static int Count(int step)
    {
        using TemporaryFolder folder = Prepare();
        FaultyFileLayer files = new(folder.Path);
        new CheckpointStore(folder.Path, KeepLast, files).Save(step, Write("new"));
        return files.Operations.Count;
    }

    private static Action<string> Write(string text) => folder => File.WriteAllText(Path.Combine(folder, "adapter_model.safetensors"), text);

    private static string Content(Checkpoint checkpoint) => File.ReadAllText(Path.Combine(checkpoint.Folder, "adapter_model.safetensors"));
}
