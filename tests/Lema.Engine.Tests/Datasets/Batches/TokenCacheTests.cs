using Lema.Engine.Datasets;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Cache;
using Lema.Engine.Errors;
using Lema.Testing;

namespace Lema.Engine.Tests.Datasets.Batches;

public class TokenCacheTests
{
    private static readonly TokenizedRow[] Rows = [.. Enumerable.Range(1, 700).Select(row => new TokenizedRow([.. Enumerable.Range(0, row % 9 + 1).Select(id => (long)id * row)], [.. Enumerable.Range(0, row % 9 + 1).Select(id => id % 2 == 0 ? TokenizedRow.Ignored : (long)id * row)]))];

    private static string LargeFile(TemporaryFolder folder)
    {
        string file = Path.Combine(folder.Path, "rows.jsonl");
        using FileStream stream = File.Create(file);
        stream.SetLength(20 << 20);
        return file;
    }

    private static void AssertSame(ITokenizedRows rows)
    {
        Assert.Equal(Rows.Length, rows.Count);
        for (int row = 0; row < Rows.Length; row++)
        {
            Assert.Equal(Rows[row].Ids, rows.Read(row).Ids);
            Assert.Equal(Rows[row].Labels, rows.Read(row).Labels);
            Assert.Equal(Rows[row].Length, rows.LengthOf(row));
        }
    }

    [Fact]
    public void Open_SecondTime_ReadsTheCacheWithoutTokenizing()
    {
        using TemporaryFolder folder = new();
        string file = LargeFile(folder), root = Path.Combine(folder.Path, "cache");
        using (ITokenizedRows first = TokenCache.Open(file, "key", root, () => null, (take, _) => Array.ForEach(Rows, take), default)) AssertSame(first);
        using ITokenizedRows second = TokenCache.Open(file, "key", root, () => null, (_, _) => Assert.Fail("tokenized again"), default);
        AssertSame(second);
    }

    [Fact]
    public void Open_InFileOrder_GivesRowsWhileTheyAreMade()
    {
        using TemporaryFolder folder = new();
        string file = LargeFile(folder), root = Path.Combine(folder.Path, "cache");
        using ManualResetEventSlim firstRead = new();
        using (ITokenizedRows growing = TokenCache.Open(file, "key", root, () => Rows.Length, (take, stop) =>
        {
            foreach (TokenizedRow row in Rows.Take(300)) take(row);
            firstRead.Wait(TimeSpan.FromSeconds(60), stop);
            foreach (TokenizedRow row in Rows.Skip(300)) take(row);
        }, default))
        {
            Assert.Equal(Rows[0].Ids, growing.Read(0).Ids);
            firstRead.Set();
            AssertSame(growing);
        }
        using ITokenizedRows cached = TokenCache.Open(file, "key", root, () => null, (_, _) => Assert.Fail("tokenized again"), default);
        AssertSame(cached);
    }

    [Fact]
    public void Read_GrowingRowsThatFail_GivesTheirError()
    {
        using TemporaryFolder folder = new();
        string root = Path.Combine(folder.Path, "cache");
        using ITokenizedRows growing = TokenCache.Open(LargeFile(folder), "key", root, () => 10, (_, _) => throw new InvalidInputException("rows.jsonl", "line 1", "bad"), default);
        Assert.Equal("line 1", Assert.Throws<InvalidInputException>(() => growing.Read(0)).Place);
        Assert.Empty(Directory.GetFileSystemEntries(root));
    }

    [Fact]
    public void Open_WorkThatFails_LeavesNothing()
    {
        using TemporaryFolder folder = new();
        string root = Path.Combine(folder.Path, "cache");
        Assert.Throws<InvalidInputException>(() => TokenCache.Open(LargeFile(folder), "key", root, () => null, (take, _) =>
        {
            take(Rows[0]);
            throw new InvalidInputException("rows.jsonl", "line 2", "bad");
        }, default));
        Assert.Empty(Directory.GetFileSystemEntries(root));
    }
}
