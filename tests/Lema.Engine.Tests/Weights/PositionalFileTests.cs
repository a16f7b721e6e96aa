using Lema.Engine.Errors;
using Lema.Engine.Weights;
using Lema.Testing;

namespace Lema.Engine.Tests.Weights;

public sealed class PositionalFileTests
{
    [Fact(DisplayName = "short read, EINTR")]
    public void Fill_WhenEveryReadIsCutShort_GivesTheBytesOfTheFile()
    {
        using TemporaryFolder folder = new();
        Random random = new(Trial.Seed);
        byte[] content = new byte[100_000], read = new byte[content.Length - 5];
        random.NextBytes(content);
        File.WriteAllBytes(folder.File("weights"), content);
        using ShortReads file = new(folder.File("weights"), random);
        file.Fill(read, 5);
        Assert.True(content.AsSpan(5).SequenceEqual(read), $"LEMA_TEST_SEED={Trial.Seed}");
    }

    [Fact(DisplayName = "EIO, file truncated or replaced mid-run: the end comes early")]
    public void Fill_PastTheEnd_NamesFileAndOffset()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder.File("weights"), new byte[100]);
        using PositionalFile file = PositionalFile.Open(folder.File("weights"));
        StorageException cut = Assert.Throws<StorageException>(() => file.Fill(new byte[50], 80));
        Assert.Equal((folder.File("weights"), 100), (cut.File, cut.Offset));
    }

    private sealed class ShortReads(string path, Random random) : PositionalFile(path, File.OpenHandle(path))
    {
        protected override int ReadSome(Span<byte> target, long offset) => base.ReadSome(target[..Math.Min(target.Length, random.Next(1, 4_000))], offset);
    }
}
