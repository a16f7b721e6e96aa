using System.IO.Hashing;
using Lema.Engine.Errors;
using Lema.Engine.Weights;
using Lema.Testing;
using TorchSharp;

namespace Lema.Engine.Tests.Weights;

public sealed class ContentHashTests : IDisposable
{
    private const int PieceBytes = 16 << 20;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ContentHash_OneValueChanged_DiffersWhileTheHeaderHashDoesNot()
    {
        Shard("model.safetensors", ("a", 4));
        GlobalBinaryIndex before = Open();
        string hash = before.ContentHash();
        using (FileStream file = File.OpenWrite(_folder.File("model.safetensors")))
        {
            file.Position = before["a"].Offset;
            file.WriteByte(77);
        }
        GlobalBinaryIndex after = Open();
        Assert.Equal(before.HeaderSha256, after.HeaderSha256);
        Assert.NotEqual(hash, after.ContentHash());
    }

    [Fact]
    public void ContentHash_FilesOfSeveralPieces_IsTheHashOfTheirPiecesHashes()
    {
        Shard("one.safetensors", ("a", 21_000_001), ("b", 3));
        Shard("two.safetensors", ("c", 5_500_000));
        Map("""{"weight_map":{"a":"one.safetensors","b":"one.safetensors","c":"two.safetensors"}}""");
        GlobalBinaryIndex index = Open();
        List<byte> digests = [];
        foreach (byte[] bytes in index.Headers.Select(header => File.ReadAllBytes(header.File)))
        {
            foreach (byte[] piece in bytes.Chunk(PieceBytes)) digests.AddRange(XxHash128.Hash(piece));
        }
        Assert.Equal(16 * (6 + 2), digests.Count);
        Assert.Equal(Convert.ToHexStringLower(XxHash128.Hash([.. digests])), index.ContentHash());
    }

    [Fact]
    public void ContentHash_Progress_GrowsToTheWhole()
    {
        Shard("model.safetensors", ("a", 13_000_000));
        GlobalBinaryIndex index = Open();
        Told told = new();
        index.ContentHash(told);
        long total = index.Headers[0].FileBytes;
        Assert.True(told.Reports.Count > 4);
        Assert.All(told.Reports, report => Assert.Equal(total, report.TotalBytes));
        Assert.Equal(told.Reports.Select(report => report.DoneBytes).Order(), told.Reports.Select(report => report.DoneBytes));
        Assert.Equal(total, told.Reports[^1].DoneBytes);
    }

    [Fact]
    public void ContentHash_Stopped_EndsAfterTheReadsUnderWay()
    {
        Shard("model.safetensors", ("a", 60_000_000));
        using CancellationTokenSource stop = new();
        Told told = new() { OnReport = stop.Cancel };
        Assert.Throws<OperationCanceledException>(() => Open().ContentHash(told, stop.Token));
        // A thread has one read under way, and there are sixteen at the most.
        Assert.InRange(told.Reports.Count, 1, 16);
    }

    [Fact]
    public void ContentHash_FileThatLostItsEnd_NamesIt()
    {
        Shard("model.safetensors", ("a", 13_000_000));
        GlobalBinaryIndex index = Open();
        using (FileStream file = File.OpenWrite(_folder.File("model.safetensors"))) file.SetLength(PieceBytes + 5);
        Assert.Contains("model.safetensors", Assert.Throws<StorageException>(() => index.ContentHash()).Message, StringComparison.Ordinal);
    }

    private GlobalBinaryIndex Open() => GlobalBinaryIndex.Open(_folder.Path);

    private void Shard(string file, params (string Name, long Elements)[] tensors)
    {
        using var scope = torch.NewDisposeScope();
        SafetensorsFile.Save(_folder.File(file), tensors.Select(tensor => KeyValuePair.Create(tensor.Name, torch.rand(tensor.Elements))));
    }

    private void Map(string json) => File.WriteAllText(_folder.File("model.safetensors.index.json"), json);

    private sealed class Told : IProgress<ByteProgress>
    {
        public List<ByteProgress> Reports { get; } = [];

        public Action OnReport { get; init; } = () => { };

        public void Report(ByteProgress value)
        {
            Reports.Add(value);
            OnReport();
        }
    }
}
