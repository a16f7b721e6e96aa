using Lema.Engine.Errors;
using Lema.Engine.Storage;
using Lema.Testing;

namespace Lema.Engine.Tests.Storage;

public sealed class AtomicFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Target => _folder.File("made");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Create_OfTree_SyncsEveryFileAndFolderBeforeTheRename()
    {
        FaultyFileLayer files = new(_folder.Path);
        AtomicFolder.Create(Target, Write, files);
        Assert.Equal(
            ["sync a.txt", "sync b.txt", "sync folder inner", "sync folder .partial-made", "rename .partial-made", $"sync folder {Path.GetFileName(_folder.Path)}"],
            files.Operations.Where(operation => !operation.StartsWith("create", StringComparison.Ordinal)));
        Assert.Equal("b", File.ReadAllText(Path.Combine(Target, "inner", "b.txt")));
    }

    [Fact]
    public void Create_OfAPlaceThatIsTakenMeanwhile_LeavesWhatIsThere()
    {
        Assert.Throws<InvalidInputException>(() => AtomicFolder.Create(Target, folder =>
        {
            Write(folder);
            Directory.CreateDirectory(Target);
            File.WriteAllText(Path.Combine(Target, "theirs.txt"), "theirs");
        }));
        Assert.Equal(Path.Combine(Target, "theirs.txt"), Assert.Single(Directory.GetFiles(Target)));
        Assert.Single(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact(DisplayName = "kill -9 at every named point of prepare and merge")]
    public void Create_KilledAnywhere_LeavesTheWholeFolderOrNone()
    {
        int operations = Count();
        for (int i = 0; i < operations; i++)
        {
            foreach (bool before in (bool[])[true, false])
            {
                FaultyFileLayer files = new(_folder.Path) { KillBefore = before ? i : null, KillAfter = before ? null : i };
                Assert.Throws<KilledException>(() => AtomicFolder.Create(Target, Write, files));
                AtomicFolder.RemoveLeftovers(_folder.Path);
                if (Directory.Exists(Target))
                {
                    Assert.Equal("a", File.ReadAllText(Path.Combine(Target, "a.txt")));
                    Assert.Equal("b", File.ReadAllText(Path.Combine(Target, "inner", "b.txt")));
                    Directory.Delete(Target, recursive: true);
                }
                Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
            }
        }
    }

    [Fact]
    public void Create_OnFullDisk_ThrowsTypedAndLeavesNothingPartial()
    {
        int operations = Count();
        for (int i = 0; i < operations; i++)
        {
            StorageException fault = Assert.Throws<StorageException>(() => AtomicFolder.Create(Target, Write, new FaultyFileLayer(_folder.Path) { DiskFullAt = i }));
            Assert.True(fault.IsDiskFull);
            Assert.DoesNotContain(Directory.EnumerateDirectories(_folder.Path), path => Path.GetFileName(path).StartsWith('.'));
            if (Directory.Exists(Target)) Directory.Delete(Target, recursive: true);
        }
    }

    [Fact]
    public void Create_WhenWriterFindsTheDiskFull_ThrowsTypedAndLeavesNothing()
    {
        StorageException fault = Assert.Throws<StorageException>(() => AtomicFolder.Create(Target, folder =>
        {
            File.WriteAllText(Path.Combine(folder, "half"), "half");
            throw new IOException("No space left on device", 28);
        }));
        Assert.True(fault.IsDiskFull);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void Create_WhenWriterReportsTheFullDiskItself_StillSaysSo() =>
        Assert.True(Assert.Throws<StorageException>(() => AtomicFolder.Create(Target, _ => throw new StorageException("f", 7, "full", new IOException("full", 28)))).IsDiskFull);

    [Fact]
    public void Create_OverLeftover_StartsAnew()
    {
        Directory.CreateDirectory(_folder.File(".partial-made"));
        File.WriteAllText(_folder.File(".partial-made/old.txt"), "old");
        AtomicFolder.Create(Target, Write);
        Assert.False(File.Exists(Path.Combine(Target, "old.txt")));
        Assert.Equal(["made"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void Create_OverContent_Refuses()
    {
        Directory.CreateDirectory(Target);
        AtomicFolder.Create(Target, Write);
        Assert.Throws<InvalidInputException>(() => AtomicFolder.Create(Target, Write));
    }

    [Fact]
    public void Create_OverAFile_Refuses()
    {
        File.WriteAllText(Target, "a file");
        Assert.Throws<InvalidInputException>(() => AtomicFolder.Create(Target, Write));
        Assert.Equal("a file", File.ReadAllText(Target));
    }

    [Fact]
    public void RemoveLeftovers_TakesTemporariesAlone()
    {
        AtomicFolder.RemoveLeftovers(_folder.File("absent"));
        AtomicFolder.Create(Target, Write);
        Directory.CreateDirectory(_folder.File(".partial-other"));
        AtomicFolder.RemoveLeftoverOf(_folder.File("third"));
        Assert.True(Directory.Exists(_folder.File(".partial-other")));
        AtomicFolder.RemoveLeftovers(_folder.Path);
        Assert.Equal(["made"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    private int Count()
    {
        FaultyFileLayer files = new(_folder.Path);
        AtomicFolder.Create(Target, Write, files);
        Directory.Delete(Target, recursive: true);
        return files.Operations.Count;
    }

    private static void Write(string folder)
    {
        File.WriteAllText(Path.Combine(folder, "a.txt"), "a");
        Directory.CreateDirectory(Path.Combine(folder, "inner"));
        File.WriteAllText(Path.Combine(folder, "inner", "b.txt"), "b");
    }
}
