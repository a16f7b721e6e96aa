using Lema.Engine.Storage;
using Lema.Server.Storage;
using Lema.Testing;

namespace Lema.Server.Tests;

/// <summary>What a kill in the middle of a change of folders leaves, and paths that clients give.</summary>
public sealed class FoldersTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void DeleteIfThere_AfterAKillInItsMiddle_RemovesBoth()
    {
        Make("model", "new");
        Make(".removed-model", "half deleted");
        Folders.DeleteIfThere(_folder.File("model"));
        Folders.DeleteIfThere(_folder.File("absent"));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Replace_WithOrWithoutAnOldOne_LeavesTheNewOneAlone(bool hasOld, bool wasKilled)
    {
        Make("upload", "new");
        if (hasOld) Make("adapter", "old");
        if (wasKilled) Make(".replaced-adapter", "older");
        Folders.Replace(_folder.File("upload"), _folder.File("adapter"));
        Assert.Equal("new", Content("adapter"));
        Assert.Equal(["adapter"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData(false, "old")]
    [InlineData(true, "new")]
    public void RecoverReplaced_AfterAKill_PutsTheOldOneBackUnlessTheNewOneIsThere(bool hasNew, string content)
    {
        Make(".replaced-adapter", "old");
        if (hasNew) Make("adapter", "new");
        Folders.RecoverReplaced(_folder.Path, FileLayer.Instance);
        Assert.Equal(content, Content("adapter"));
        Assert.Equal(["adapter"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void FindFile_GivesFilesOfTheFolderAndNoLinks()
    {
        Make("outside", "secret");
        Make("owner/inner", "own");
        File.CreateSymbolicLink(_folder.File("owner/link"), _folder.File("outside/file"));
        Directory.CreateSymbolicLink(_folder.File("owner/folder"), _folder.File("outside"));
        Assert.Equal(_folder.File("owner/inner/file"), Folders.FindFile(_folder.File("owner"), "inner/file"));
        foreach (string path in (string[])["link", "folder/file", "inner", "absent", "absent/file", "inner/absent", "../outside/file", "", "/etc/passwd"])
            Assert.Null(Folders.FindFile(_folder.File("owner"), path));
        Assert.Equal(["inner/file"], Folders.Files(_folder.File("owner")).Select(item => item.Path));
    }

    [Theory]
    [InlineData("a", true)]
    [InlineData("a/b.c/..d", true)]
    [InlineData("", false)]
    [InlineData("a//b", false)]
    [InlineData("a/./b", false)]
    [InlineData("a/../b", false)]
    [InlineData("/a", false)]
    [InlineData("a\\b", false)]
    [InlineData("a\0b", false)]
    public void IsSafeRelative_OfAPath_IsTrueOfNamedPartsAlone(string path, bool safe) => Assert.Equal(safe, Folders.IsSafeRelative(path));

    [Fact]
    public void IsWritable_OfAFolderThatIsNotThere_IsFalse()
    {
        Assert.True(Folders.IsWritable(_folder.Path));
        Assert.False(Folders.IsWritable(_folder.File("absent")));
    }

    private void Make(string folder, string content)
    {
        Directory.CreateDirectory(_folder.File(folder));
        File.WriteAllText(_folder.File(folder + "/file"), content);
    }

    private string Content(string folder) => File.ReadAllText(_folder.File(folder + "/file"));
}
