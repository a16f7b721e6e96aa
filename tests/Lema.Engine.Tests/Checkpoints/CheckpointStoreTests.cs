using Lema.Engine.Checkpoints;
using Lema.Engine.Errors;
using Lema.Engine.Storage;
using Lema.Testing;

namespace Lema.Engine.Tests.Checkpoints;

public sealed class CheckpointStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Save_OfFiles_CommitsThemWithManifest()
    {
        CheckpointStore store = new(_folder.Path, 3);
        Checkpoint saved = store.Save(10, Write("ten"), new CheckpointMetric("eval_loss", 0.5));
        Assert.Equal(["checkpoint-10"], Entries());
        Assert.Equal("ten", File.ReadAllText(Path.Combine(saved.Folder, "adapter_model.safetensors")));
        Assert.Equal("ten/inner", File.ReadAllText(Path.Combine(saved.Folder, "inner", "more.bin")));
        Assert.Equal(saved, store.Find(10));
        Assert.Null(CheckpointVerifier.Verify(saved.Folder).Fault);
    }

    [Fact]
    public void Save_BeyondKeepLast_KeepsTheNewestAndTheBest()
    {
        CheckpointStore store = new(_folder.Path, 2);
        foreach ((int step, double loss) in ((int, double)[])[(1, 0.9), (2, 0.1), (3, 0.5), (4, 0.4), (5, double.NaN)]) store.Save(step, Write("x"), new CheckpointMetric("eval_loss", loss));
        Assert.Equal(["checkpoint-2", "checkpoint-4", "checkpoint-5"], Entries());
        Assert.Equal(2, store.Best()!.Step);
    }

    [Fact]
    public void Save_BeforeLaterOnes_LeavesThemBehind()
    {
        CheckpointStore store = new(_folder.Path, 9);
        foreach (int step in (int[])[10, 20, 30]) store.Save(step, Write("x"));
        store.Save(15, Write("x"));
        Assert.Equal(["checkpoint-10", "checkpoint-15"], Entries());
    }

    [Fact]
    public void Save_BeforeADamagedOne_KeepsWhatTheRunGoesOnFrom()
    {
        CheckpointStore store = new(_folder.Path, 1);
        store.Save(10, Write("x"), new CheckpointMetric("eval_loss", 0.1));
        File.AppendAllText(Path.Combine(store.Save(30, Write("x"), new CheckpointMetric("eval_loss", 0.5)).Folder, "adapter_model.safetensors"), "damage");
        Assert.Equal(10, store.FindLatest().Found!.Step);
        store.Save(20, Write("x"), new CheckpointMetric("eval_loss", 0.2));
        Assert.Equal(20, store.FindLatest().Found!.Step);
    }

    [Fact]
    public void Best_OfGreaterIsBetter_TakesTheGreatestAndTheFirstAmongEquals()
    {
        CheckpointStore store = new(_folder.Path, 9);
        foreach ((int step, double value) in ((int, double)[])[(1, 0.9), (2, 0.95), (3, 0.95)]) store.Save(step, Write("x"), new CheckpointMetric("valid_format", value, GreaterIsBetter: true));
        Assert.Equal(2, store.Best()!.Step);
    }

    [Fact]
    public void Save_OfSameStep_Replaces()
    {
        CheckpointStore store = new(_folder.Path, 3);
        store.Save(10, Write("old"));
        Checkpoint saved = store.Save(10, Write("new"));
        Assert.Equal("new", File.ReadAllText(Path.Combine(saved.Folder, "adapter_model.safetensors")));
        Assert.Equal(["checkpoint-10"], Entries());
    }

    [Fact]
    public void List_OfSteps_IsInNumericOrderAndSkipsOtherFolders()
    {
        CheckpointStore store = new(_folder.Path, 9);
        foreach (int step in (int[])[9, 20, 100]) store.Save(step, Write("x"));
        Directory.CreateDirectory(_folder.File("checkpoint-old"));
        Assert.Equal([9, 20, 100], store.List().Select(checkpoint => checkpoint.Step));
    }

    [Fact]
    public void Find_OfUnknownStep_NamesTheOnesThereAre()
    {
        CheckpointStore store = new(_folder.Path, 9);
        store.Save(3, Write("x"));
        Assert.Contains("There are 3.", Assert.Throws<NotFoundException>(() => store.Find(4)).Message);
    }

    [Fact]
    public void Save_WhenWriterThrows_LeavesNothingOfIt()
    {
        CheckpointStore store = new(_folder.Path, 3);
        store.Save(1, Write("x"));
        Assert.Throws<InvalidOperationException>(() => store.Save(2, folder =>
        {
            File.WriteAllText(Path.Combine(folder, "half"), "half");
            throw new InvalidOperationException("broken");
        }));
        Assert.Equal(["checkpoint-1"], Entries());
    }

    [Fact]
    public void Verify_OfEveryFlippedBit_FindsIt()
    {
        CheckpointStore store = new(_folder.Path, 3);
        string folder = store.Save(1, path => File.WriteAllText(Path.Combine(path, "adapter_model.safetensors"), "weights"), new CheckpointMetric("eval_loss", 0.25)).Folder;
        foreach (string path in Directory.EnumerateFiles(folder))
        {
            byte[] content = File.ReadAllBytes(path);
            for (int bit = 0; bit < content.Length * 8; bit++)
            {
                content[bit / 8] ^= (byte)(1 << (bit % 8));
                File.WriteAllBytes(path, content);
                Assert.True(CheckpointVerifier.Verify(folder).Fault is not null, $"bit {bit} of {path}");
                content[bit / 8] ^= (byte)(1 << (bit % 8));
            }
            File.WriteAllBytes(path, content);
        }
        Assert.Null(CheckpointVerifier.Verify(folder).Fault);
    }

    [Theory]
    [InlineData("truncate")]
    [InlineData("delete")]
    [InlineData("delete manifest")]
    public void FindLatest_OfDamagedNewest_FallsBackAndSaysSo(string damage)
    {
        CheckpointStore store = new(_folder.Path, 3);
        store.Save(1, Write("one"));
        string newest = store.Save(2, Write("two")).Folder, file = Path.Combine(newest, "adapter_model.safetensors");
        if (damage == "truncate") File.WriteAllText(file, "tw");
        else File.Delete(damage == "delete" ? file : Path.Combine(newest, "manifest.json"));

        CheckpointSearch search = store.FindLatest();
        Assert.Equal(1, search.Found!.Step);
        Assert.Equal(newest, Assert.Single(search.PassedOver).Folder);
        Assert.Throws<InvalidInputException>(() => store.Find(2));
    }

    [Fact]
    public void FindLatest_OfDamagedOnesAlone_FindsNoneAndNamesThem()
    {
        CheckpointStore store = new(_folder.Path, 3);
        foreach (int step in (int[])[1, 2]) File.Delete(Path.Combine(store.Save(step, Write("x")).Folder, "manifest.json"));
        CheckpointSearch search = store.FindLatest();
        Assert.Null(search.Found);
        Assert.Equal(["checkpoint-2", "checkpoint-1"], search.PassedOver.Select(fault => Path.GetFileName(fault.Folder)));
    }

    [Fact]
    public void Find_InAnEmptyStore_SaysThatThereIsNone() =>
        Assert.Contains("none yet", Assert.Throws<NotFoundException>(() => new CheckpointStore(_folder.Path, 1).Find(4)).Message, StringComparison.Ordinal);

    [Fact]
    public void Best_WithoutAMetric_IsNone()
    {
        CheckpointStore store = new(_folder.Path, 9);
        store.Save(1, Write("x"));
        Assert.Null(store.Best());
        store.Save(2, Write("x"), new CheckpointMetric("eval_loss", double.NaN));
        Assert.Null(store.Best());
    }

    [Fact]
    public void Best_OfSeveralMetrics_LooksAtThatOfTheNewest()
    {
        CheckpointStore store = new(_folder.Path, 9);
        store.Save(1, Write("x"), new CheckpointMetric("valid_format", 0.1));
        store.Save(2, Write("x"), new CheckpointMetric("eval_loss", 0.7));
        store.Save(3, Write("x"));
        Assert.Equal(2, store.Best()!.Step);
    }

    [Fact]
    public void Save_OverWhatAnEarlierAttemptCouldNotRemove_Replaces()
    {
        CheckpointStore store = new(_folder.Path, 1);
        store.Save(10, Write("old"));
        foreach (string name in (string[])[".partial-checkpoint-10", ".replaced-checkpoint-10", ".deleted-checkpoint-10"])
            File.WriteAllText(Path.Combine(Directory.CreateDirectory(_folder.File(name)).FullName, "rest"), "rest");
        Assert.Equal("new", File.ReadAllText(Path.Combine(store.Save(10, Write("new")).Folder, "adapter_model.safetensors")));
        store.Save(11, Write("next"));
        Assert.Equal(["checkpoint-11"], Entries());
    }

    [Fact]
    public void Save_OnADiskThatChangesWhatIsWritten_SaysSoAndKeepsTheOlderOnes()
    {
        new CheckpointStore(_folder.Path, 1).Save(1, Write("one"));
        StorageException fault = Assert.Throws<StorageException>(() => new CheckpointStore(_folder.Path, 1, new RottingFiles()).Save(2, Write("two")));
        Assert.Contains("SHA-256 differs", fault.Message, StringComparison.Ordinal);
        Assert.Equal(1, new CheckpointStore(_folder.Path, 1).FindLatest().Found!.Step);
    }

    [Fact]
    public void Save_WhenNeitherItNorItsRemovalSucceeds_ReportsTheFirstFault()
    {
        StorageException fault = Assert.Throws<StorageException>(() => new CheckpointStore(_folder.Path, 1, new StuckFiles()).Save(2, Write("two")));
        Assert.Contains("rename refused", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_OfAManifestThatLeadsOut_RefusesThePath()
    {
        string folder = Directory.CreateDirectory(_folder.File("checkpoint-1")).FullName;
        CheckpointManifest manifest = new(CheckpointManifest.CurrentFormat, 1, null, [new CheckpointFile("../outside", 1, new string('0', 64))]);
        File.WriteAllBytes(Path.Combine(folder, CheckpointManifest.FileName), manifest.Encode());
        Assert.Equal("lies outside the checkpoint", CheckpointVerifier.Verify(folder).Fault!.Problem);
    }

    /// <summary>A disk on which a byte turns after it was synced.</summary>
    private sealed class RottingFiles : RealFiles
    {
        public override void SyncFile(string path)
        {
            base.SyncFile(path);
            if (Path.GetFileName(path) != "more.bin") return;
            byte[] content = File.ReadAllBytes(path);
            content[0] ^= 1;
            File.WriteAllBytes(path, content);
        }
    }

    /// <summary>A disk that neither renames nor deletes.</summary>
    private sealed class StuckFiles : RealFiles
    {
        public override void RenameFolder(string from, string to) => throw new IOException("rename refused");

        public override void DeleteFolder(string folder) => throw new IOException("delete refused");
    }

    private abstract class RealFiles : IFileLayer
    {
        public void CreateFolder(string folder) => FileLayer.Instance.CreateFolder(folder);

        public void WriteFile(string path, ReadOnlySpan<byte> content) => FileLayer.Instance.WriteFile(path, content);

        public virtual void SyncFile(string path) => FileLayer.Instance.SyncFile(path);

        public void SyncFolder(string folder) => FileLayer.Instance.SyncFolder(folder);

        public virtual void RenameFolder(string from, string to) => FileLayer.Instance.RenameFolder(from, to);

        public void RenameFile(string from, string to) => FileLayer.Instance.RenameFile(from, to);

        public virtual void DeleteFolder(string folder) => FileLayer.Instance.DeleteFolder(folder);

        public void DeleteFile(string path) => FileLayer.Instance.DeleteFile(path);
    }

    private static Action<string> Write(string text) => folder =>
    {
        File.WriteAllText(Path.Combine(folder, "adapter_model.safetensors"), text);
        File.WriteAllText(Path.Combine(folder, "trainer_state.json"), "{}");
        Directory.CreateDirectory(Path.Combine(folder, "inner"));
        File.WriteAllText(Path.Combine(folder, "inner", "more.bin"), text + "/inner");
    };

    private IEnumerable<string?> Entries() => Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal);
}
