using Lema.Server.Artifacts;
using Lema.Testing;

namespace Lema.Server.Tests;

public sealed class FileHashesTests
{
    [Fact]
    public async Task Known_OfAFileThatChanged_IsNothing()
    {
        using TemporaryFolder folder = new();
        string file = folder.File("a");
        await File.WriteAllTextAsync(file, "one");
        FileHashes hashes = new();
        Assert.Null(hashes.Known(new FileInfo(file)));
        string one = await hashes.OfAsync(file, default);
        Assert.Equal(one, hashes.Known(new FileInfo(file)));
        Assert.Equal(one, await hashes.OfAsync(file, default));

        DateTime written = File.GetLastWriteTimeUtc(file);
        await File.WriteAllTextAsync(file, "longer");
        File.SetLastWriteTimeUtc(file, written);
        Assert.Null(hashes.Known(new FileInfo(file)));
        await File.WriteAllTextAsync(file, "two");
        File.SetLastWriteTimeUtc(file, written.AddSeconds(1));
        Assert.NotEqual(one, await hashes.OfAsync(file, default));
    }

    [Fact]
    public async Task Known_AfterManyOthers_IsForgotten()
    {
        using TemporaryFolder folder = new();
        FileHashes hashes = new();
        string first = folder.File("first"), moving = folder.File("0");
        foreach (string file in (string[])[first, moving]) await File.WriteAllTextAsync(file, "");
        await hashes.OfAsync(first, default);
        for (int i = 0; i < 10_000; i++)
        {
            await hashes.OfAsync(moving, default);
            File.Move(moving, moving = folder.File($"{i + 1}"));
        }
        Assert.Null(hashes.Known(new FileInfo(first)));
    }
}
