using Lema.Engine.Errors;
using Lema.Engine.Weights;
using TorchSharp;

namespace Lema.Engine.Tests.Weights;

public sealed class GlobalBinaryIndexTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("lema-index-").FullName;
    private readonly string _folder;

    public GlobalBinaryIndexTests()
    {
        _folder = Path.Combine(_root, "model");
        Directory.CreateDirectory(_folder);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Open_TwoShards_FindsEveryTensor()
    {
        Shard("one.safetensors", "a", "b");
        Shard("two.safetensors", "c");
        Map(("a", "one.safetensors"), ("b", "one.safetensors"), ("c", "two.safetensors"));
        GlobalBinaryIndex index = GlobalBinaryIndex.Open(_folder);
        Assert.Equal(["a", "b", "c"], index.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(3 * 4 * sizeof(float), index.TotalBytes);
        Assert.Equal(Path.Combine(_folder, "two.safetensors"), index["c"].File);
        Assert.False(index.IsPrepared);
        Assert.Null(index.TryGet("d"));
        Assert.Contains("'d'", Assert.Throws<InvalidInputException>(() => index["d"]).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FolderThatIsNotThere_SaysSo() =>
        Assert.Contains("no such folder", Assert.Throws<InvalidInputException>(() => GlobalBinaryIndex.Open(Path.Combine(_root, "absent"))).Message, StringComparison.Ordinal);

    [Fact(DisplayName = "model code: no pickle")]
    public void Open_PickledWeightsAlone_AreRefused()
    {
        File.WriteAllText(Path.Combine(_folder, "pytorch_model.bin"), "cos\nsystem\n(S'false'\ntR.");
        Assert.Contains(".safetensors", Assert.Throws<InvalidInputException>(() => GlobalBinaryIndex.Open(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_LinksInACircle_AreRefused()
    {
        File.CreateSymbolicLink(Path.Combine(_folder, "a.safetensors"), "b.safetensors");
        File.CreateSymbolicLink(Path.Combine(_folder, "b.safetensors"), "a.safetensors");
        Map(("a", "a.safetensors"));
        Assert.ThrowsAny<LemaException>(() => GlobalBinaryIndex.Open(_folder));
    }

    [Fact]
    public void Open_IndexLargerThanAnyModels_IsNotRead()
    {
        using (FileStream index = File.Create(Path.Combine(_folder, "model.safetensors.index.json"))) index.SetLength(1L << 32);
        Refused("is over");
    }

    [Fact]
    public void Open_TypeThatNothingComputesWith_NamesTheTensor()
    {
        byte[] json = System.Text.Encoding.UTF8.GetBytes("""{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}   """);
        File.WriteAllBytes(Path.Combine(_folder, "model.safetensors"), [.. BitConverter.GetBytes((long)json.Length), .. json, 0, 0, 0, 0]);
        Refused("F8_E4M3 cannot be computed with");
    }

    [Theory]
    [InlineData("missing.safetensors", "missing")]
    [InlineData("/etc/passwd", "absolute")]
    [InlineData("../outside.safetensors", "outside")]
    [InlineData("link.safetensors", "symbolic link")]
    [InlineData("linked/outside.safetensors", "symbolic link")]
    [InlineData("", "not a file name")]
    public void Open_ShardThatIsNotInTheFolder_IsRefused(string shard, string problem)
    {
        Shard("../outside.safetensors", "a");
        File.CreateSymbolicLink(Path.Combine(_folder, "link.safetensors"), "../outside.safetensors");
        Directory.CreateSymbolicLink(Path.Combine(_folder, "linked"), _root);
        Map(("a", shard));
        Assert.Contains(problem, Assert.Throws<InvalidInputException>(() => GlobalBinaryIndex.Open(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_LinkWithinTheFolder_IsTaken()
    {
        Shard("real.safetensors", "a");
        File.CreateSymbolicLink(Path.Combine(_folder, "model.safetensors"), "real.safetensors");
        Assert.Equal("a", Assert.Single(GlobalBinaryIndex.Open(_folder).Tensors).Name);
    }

    [Fact]
    public void Open_NameInTwoShards_IsRefused()
    {
        Shard("one.safetensors", "a", "b");
        Shard("two.safetensors", "b");
        Map(("a", "one.safetensors"), ("b", "two.safetensors"));
        Refused("two shards", "weight_map says");
    }

    [Fact]
    public void Open_NameThatTheMapGivesToOneOfTwoShards_IsRefused()
    {
        Shard("one.safetensors", "a", "b");
        Shard("two.safetensors", "b", "c");
        Map(("a", "one.safetensors"), ("b", "one.safetensors"), ("c", "two.safetensors"));
        Refused("is in two shards");
    }

    [Fact]
    public void Open_TensorThatTheMapLacks_IsRefused()
    {
        Shard("one.safetensors", "a", "b");
        Map(("a", "one.safetensors"));
        Refused("not in weight_map");
    }

    [Fact]
    public void Open_TensorThatTheShardLacks_IsRefused()
    {
        Shard("one.safetensors", "a");
        Map(("a", "one.safetensors"), ("b", "one.safetensors"));
        Refused("is not in 'one.safetensors'");
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("{\"weight_map\":{}}")]
    [InlineData("{\"weight_map\":{\"a\":1}}")]
    [InlineData("{\"weight_map\":{\"a\":\"one\",\"a\":\"two\"}}")]
    [InlineData("{\"weight_map\":")]
    public void Open_BadIndexFile_IsRefused(string json)
    {
        File.WriteAllText(Path.Combine(_folder, "model.safetensors.index.json"), json);
        Refused("");
    }

    [Fact]
    public void Open_NoWeights_SaysWhatWasLookedFor() => Refused("holds neither model.safetensors");

    private void Refused(params string[] oneOf)
    {
        string message = Assert.Throws<InvalidInputException>(() => GlobalBinaryIndex.Open(_folder)).Message;
        Assert.Contains(oneOf, part => message.Contains(part, StringComparison.Ordinal));
    }

    private void Shard(string file, params string[] names)
    {
        using var scope = torch.NewDisposeScope();
        SafetensorsFile.Save(Path.Combine(_folder, file), names.Select(name => KeyValuePair.Create(name, torch.rand(4))));
    }

    private void Map(params (string Tensor, string Shard)[] entries) => File.WriteAllText(
        Path.Combine(_folder, "model.safetensors.index.json"),
        "{\"weight_map\":{" + string.Join(",", entries.Select(entry => $"\"{entry.Tensor}\":\"{entry.Shard}\"")) + "}}");
}
