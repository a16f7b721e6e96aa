using Lema.Engine.Errors;
using Lema.Engine.Streaming;
using Lema.Testing;

namespace Lema.Engine.Tests.Streaming;

public sealed class FilePipelineTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ForEach_PiecesInAnyOrder_HandsOutTheirBytesInThatOrder()
    {
        (string one, byte[] first) = Write("one", 11_000_003);
        (string two, byte[] second) = Write("two", 5_000);
        FilePiece[] pieces =
        [
            new(two, 17, 100), new(one, 0, 4_000_000), new(one, 4_000_000, 190_000), new(one, 4_190_000, 3_000_000), new(one, 0, 0), new(one, 10_999_999, 4), new(two, 4_999, 1), new(one, 1, 1),
        ];
        using ModelFiles files = new();
        using ReadAhead reader = new(files);
        List<byte[]> read = [];
        reader.ForEach(pieces, piece => piece, (bytes, _) => read.Add(bytes.ToArray()));
        Assert.Equal(pieces.Length, read.Count);
        foreach ((FilePiece piece, byte[] bytes) in pieces.Zip(read))
            Assert.True(bytes.AsSpan().SequenceEqual((piece.File == one ? first : second).AsSpan((int)piece.Offset, piece.ByteCount)), piece.ToString());
    }

    [Fact]
    public void ForEach_AfterAnActionThatThrows_StartsAfresh()
    {
        (string file, byte[] content) = Write("file", 9_000_000);
        FilePiece[] pieces = [new(file, 0, 4_000_000), new(file, 4_100_000, 4_000_000), new(file, 5, 7)];
        using ModelFiles files = new();
        using ReadAhead reader = new(files);
        Assert.Throws<OperationCanceledException>(() => reader.ForEach(pieces, piece => piece, (_, _) => throw new OperationCanceledException()));
        byte[] last = [];
        reader.ForEach(pieces, piece => piece, (bytes, _) => last = bytes.ToArray());
        Assert.Equal(content[5..12], last);
    }

    [Fact]
    public void ForEach_BeyondTheEnd_NamesTheFile()
    {
        (string file, _) = Write("short", 5_000);
        using ModelFiles files = new();
        using ReadAhead reader = new(files);
        StorageException fault = Assert.Throws<StorageException>(() => reader.ForEach([new FilePiece(file, 0, 6_000)], piece => piece, (_, _) => { }));
        Assert.Contains("short", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4_096)]
    [InlineData(8 << 20)]
    [InlineData(30_000_001)]
    public void Append_InPiecesOfAnySize_WritesThemAll(int length)
    {
        byte[] content = new byte[length];
        new Random(3).NextBytes(content);
        string path = _folder.File("written");
        using (WriteBehind file = new(path, length))
        {
            for (int done = 0, size = 1; done < length; size = size * 3 % 9_000_011)
            {
                int count = Math.Min(size, length - done);
                file.Append(content.AsSpan(done, count));
                done += count;
            }
            Assert.Equal(length, file.Position);
            file.Complete();
        }
        Assert.True(File.ReadAllBytes(path).AsSpan().SequenceEqual(content));
    }

    [Fact]
    public void Append_MoreOrLessThanAnnounced_Throws()
    {
        using WriteBehind file = new(_folder.File("written"), 10);
        Assert.Throws<InvalidOperationException>(() => file.Append(new byte[11]));
        file.Append(new byte[9]);
        Assert.Throws<InvalidOperationException>(file.Complete);
    }

    [Fact]
    public void Create_InAFolderThatIsNotThere_IsAStorageFault() =>
        Assert.Throws<StorageException>(() => new WriteBehind(_folder.File("missing/written"), 10));

    private (string Path, byte[] Content) Write(string name, int length)
    {
        byte[] content = new byte[length];
        new Random(length).NextBytes(content);
        string path = _folder.File(name);
        File.WriteAllBytes(path, content);
        return (path, content);
    }
}
