using Lema.Engine.Models.Sequences;
using Lema.Testing;
using static TorchSharp.torch;

namespace Lema.Engine.Tests.Models;

public sealed class KeyValueCacheTests
{
    private const int ChunkTokens = 4;

    [Fact]
    public void Addresses_OfChunksThatLeftOrAreFreed_AreNotKept()
    {
        using var scope = NewDisposeScope();
        using TemporaryFolder folder = new();
        using KeyValuePool pool = new(deviceBytes: 1, folder.Path);
        using KeyValueCache cache = new(10, ChunkTokens, pool);
        cache.Append(rand(9, 2, 8), rand(9, 2, 8));
        Assert.All(cache.KeyAddresses.Concat(cache.ValueAddresses), address => Assert.NotEqual(0, address));
        cache.Trim();
        Assert.Equal([true, true, false], cache.KeyAddresses.Select(address => address == 0));
        Assert.Equal([true, true, false], cache.ValueAddresses.Select(address => address == 0));
        cache.Dispose();
        Assert.Empty(cache.KeyAddresses);
        Assert.Empty(cache.ValueAddresses);
        Assert.Equal((0, 0), (pool.OnDeviceBytes, pool.AwayBytes));
    }

    [Fact]
    public void Trim_BesideAFileOfAKilledProcess_RemovesItAndLeavesThoseInUse()
    {
        using var scope = NewDisposeScope();
        using TemporaryFolder folder = new();
        string left = folder.File($".lema-chunks-{int.MaxValue}-{Guid.NewGuid():N}"), locked = folder.File($".lema-chunks-{int.MaxValue}-{Guid.NewGuid():N}");
        File.WriteAllText(left, "left");
        File.WriteAllText(locked, "in use");
        using FileStream other = new(locked, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        using KeyValuePool pool = new(deviceBytes: 1, folder.Path), second = new(deviceBytes: 1, folder.Path);
        using KeyValueCache cache = new(10, ChunkTokens, pool), beside = new(10, ChunkTokens, second);
        foreach (KeyValueCache each in (KeyValueCache[])[cache, beside])
        {
            each.Append(rand(5, 2, 8), rand(5, 2, 8));
            each.Trim();
        }
        Assert.False(File.Exists(left));
        Assert.True(File.Exists(locked));
        Assert.Equal(3, Directory.GetFiles(folder.Path, ".lema-chunks-*").Length);
    }
}
