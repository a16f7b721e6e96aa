using System.IO.Compression;
using System.Text;
using Lema.Engine.Datasets.Files;
using Lema.Engine.Datasets.Rows;
using Lema.Engine.Errors;
using Lema.Testing;
using Parquet.Schema;
using Parquet.Serialization;

namespace Lema.Engine.Tests.Datasets.Rows;

public class DatasetFileTests
{
    private const string TwoRows = "{\"prompt\":\"a\",\"completion\":\"b\"}\n{\"prompt\":\"c\",\"completion\":\"d\"}\n";

    private static PairRow[] Pairs(string file) => [.. new RowSource(file).Read().Select(row => (PairRow)(row.Row ?? throw row.Problem!))];

    [Theory]
    [InlineData("{\"prompt\":\"a\",\"completion\":\"b\"}\r\n\r\n{\"prompt\":\"c\",\"completion\":\"d\"}")]
    [InlineData("\uFEFF{\"prompt\":\"a\",\"completion\":\"b\"}\n{\"prompt\":\"c\",\"completion\":\"d\"}")]
    public void Read_JsonLinesOfAnyEnding_HasTheRows(string text)
    {
        using TemporaryFolder folder = new();
        Assert.Equal([new PairRow("a", "b"), new PairRow("c", "d")], Pairs(DatasetFixture.Write(folder, "rows.jsonl", text)));
    }

    [Fact]
    public void Read_GzipZstdCsvAndJson_HaveTheSameRows()
    {
        using TemporaryFolder folder = new();
        byte[] plain = Encoding.UTF8.GetBytes(TwoRows);
        string gzip = Path.Combine(folder.Path, "rows.jsonl.gz"), zstd = Path.Combine(folder.Path, "rows.jsonl.zst");
        using (GZipStream stream = new(File.Create(gzip), CompressionLevel.Fastest)) stream.Write(plain);
        using (ZstdSharp.CompressionStream stream = new(File.Create(zstd), leaveOpen: false)) stream.Write(plain);
        string csv = DatasetFixture.Write(folder, "rows.csv", "prompt,completion\na,b\n\"c\",\"d\"\n");
        string tsv = DatasetFixture.Write(folder, "rows.tsv", "prompt\tcompletion\na\tb\n\"c\"\td\n");
        string json = DatasetFixture.Write(folder, "rows.json", $"[{TwoRows.Trim().Replace("\n", ",", StringComparison.Ordinal)}]");
        foreach (string file in new[] { gzip, zstd, csv, tsv, json }) Assert.Equal([new PairRow("a", "b"), new PairRow("c", "d")], Pairs(file));
    }

    [Fact]
    public async Task Read_Parquet_HasTheRows()
    {
        using TemporaryFolder folder = new();
        string file = Path.Combine(folder.Path, "rows.parquet");
        ParquetSchema schema = new(new DataField<string>("prompt"), new DataField<string>("completion"));
        await using (FileStream stream = File.Create(file))
        {
            await ParquetSerializer.SerializeUntypedAsync(
                [new Dictionary<string, object?> { ["prompt"] = "a", ["completion"] = "b" }!, new Dictionary<string, object?> { ["prompt"] = "c", ["completion"] = "d" }!], schema, stream);
        }
        Assert.Equal([new PairRow("a", "b"), new PairRow("c", "d")], Pairs(file));
    }

    [Theory]
    [InlineData("{\"prompt\":\"a\",\"completion\":\"b\"}\n{\"prompt\":1,\"completion\":\"b\"}", "line 2: prompt")]
    [InlineData("{\"prompt\":\"a\",\"completion\":\"b\"}\n{\"prompt\":\"a\"}", "line 2: completion")]
    [InlineData("{\"prompt\":\"a\",\"completion\":\"b\"}\n{\"prompt\":", "line 2")]
    [InlineData("{\"prompt\":\"a\",\"completion\":\"b\"}\n[1]", "line 2")]
    [InlineData("{\"messages\":[{\"role\":\"user\"}]}", "line 1: messages[0].content")]
    [InlineData("{\"conversations\":[{\"from\":\"martian\",\"value\":\"x\"}]}", "line 1: conversations[0].from")]
    public void Read_BadRow_NamesLineAndField(string text, string place)
    {
        using TemporaryFolder folder = new();
        string file = DatasetFixture.Write(folder, "rows.jsonl", text);
        Assert.Equal(place, new RowSource(file).Read().Select(row => row.Problem).First(problem => problem is not null)!.Place);
    }

    [Fact]
    public void Read_BadUtf8_NamesTheLine()
    {
        using TemporaryFolder folder = new();
        string file = Path.Combine(folder.Path, "rows.jsonl");
        File.WriteAllBytes(file, [.. "{\"text\":\"ok\"}\n{\"text\":\""u8, 0xFF, 0xFE, .. "\"}\n"u8]);
        Assert.StartsWith("line 2", new RowSource(file).Read().Last().Problem!.Place, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_GzipThatWasCutOff_IsATypedError()
    {
        using TemporaryFolder folder = new();
        string file = Path.Combine(folder.Path, "rows.jsonl.gz");
        using (GZipStream stream = new(File.Create(file), CompressionLevel.Fastest)) stream.Write(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 500).Select(row => $"{{\"text\":\"{row * row}\"}}\n"))));
        byte[] whole = File.ReadAllBytes(file);
        File.WriteAllBytes(file, whole[..(whole.Length / 2)]);
        Assert.Throws<InvalidInputException>(() => new RowSource(file).Read().Count());
    }

    [Theory]
    [InlineData("rows.jsonl", "")]
    [InlineData("rows.jsonl", "{\"unknown\":1}")]
    [InlineData("rows.xml", "<a/>")]
    [InlineData("rows.json", "{\"text\":\"a\"}")]
    [InlineData("rows.jsonl.gz", "not gzip")]
    [InlineData("rows.parquet", "not parquet")]
    public void Open_FileThatIsNoDataset_IsATypedError(string name, string text)
    {
        using TemporaryFolder folder = new();
        string file = DatasetFixture.Write(folder, name, text);
        Assert.ThrowsAny<LemaException>(() => new RowSource(file).Read().Count());
    }

    [Theory]
    [InlineData("rows.csv", "text,text\na,b\n", "line 1")]
    [InlineData("rows.json", "[{\"text\":\"a\"},7]", "line 2")]
    [InlineData("rows.json", "[{\"text\":\"a\"}\n,", "line 2")]
    [InlineData("rows.json", "[{\"text\":\"a\",\"text\":\"b\"}]", "")]
    [InlineData("rows.parquet.gz", "", "")]
    [InlineData("rows.jsonl.zst", "not zstd", "")]
    public void Read_FileOfAnotherShape_NamesThePlace(string name, string text, string place)
    {
        using TemporaryFolder folder = new();
        string file = DatasetFixture.Write(folder, name, text);
        Exception? thrown = Record.Exception(() => _ = DatasetFile.Read(file).Select(row => row.Problem is { } problem ? throw problem : row).Count());
        InvalidInputException fault = Assert.IsAssignableFrom<InvalidInputException>(thrown);
        Assert.Contains(file, fault.Message, StringComparison.Ordinal);
        Assert.Equal(place, fault.Place);
    }

    [Fact]
    public void Read_FileThatIsNotThere_SaysSo() => Assert.Throws<NotFoundException>(() => DatasetFile.Read("/no/such/rows.jsonl"));

    [Theory]
    [InlineData(".jsonl.gz", true)]
    [InlineData(".parquet", true)]
    [InlineData(".parquet.gz", false)]
    [InlineData(".parquet.zst", false)]
    [InlineData(".xml", false)]
    [InlineData(".gz", false)]
    public void IsEnding_KnowsWhatIsRead(string ending, bool known) => Assert.Equal(known, DatasetFile.IsEnding(ending));

    [Fact]
    public void Read_CsvOfBrokenText_NamesTheLine()
    {
        using TemporaryFolder folder = new();
        string file = folder.File("rows.csv");
        File.WriteAllBytes(file, [.. "text\nok\n"u8, 0xFF, 0xFE, .. "\n"u8]);
        Assert.Contains("UTF-8", Assert.Throws<InvalidInputException>(() => DatasetFile.Read(file).Count()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_CsvRecordOfAnotherLength_IsAProblemOfThatRow()
    {
        using TemporaryFolder folder = new();
        RawRow[] rows = [.. DatasetFile.Read(DatasetFixture.Write(folder, "rows.csv", "a,b\n1,2\n3\n\n5,6\n"))];
        Assert.Equal([true, false, true], rows.Select(row => row.Problem is null));
        Assert.Contains("has 1 fields, the header has 2", rows[1].Problem!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_EmptyCsv_HasNoRows()
    {
        using TemporaryFolder folder = new();
        Assert.Empty(DatasetFile.Read(DatasetFixture.Write(folder, "rows.csv", "")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2 * LineReader.LongestLineBytes)] // More than the buffer holds when it is seen to be too long.
    public void Read_LineLongerThanAnyRow_IsAProblemAndTheNextIsRead(long more)
    {
        using TemporaryFolder folder = new();
        string file = folder.File("rows.jsonl");
        using (FileStream stream = File.Create(file))
        {
            stream.Write("{\"text\":\"a\"}\n"u8);
            WriteMany(stream, 'x', LineReader.LongestLineBytes + more);
            stream.Write("\n \t\r\n{\"text\":\"b\"}"u8);
        }
        RawRow[] rows = [.. DatasetFile.Read(file)];
        Assert.Equal([1L, 2L, 4L], rows.Select(row => row.Line));
        Assert.Contains("Split the row", rows[1].Problem!.Message, StringComparison.Ordinal);
        Assert.Equal(3, JsonLines.Count(file));
    }

    [Theory]
    [InlineData("rows.csv.gz", 64 << 20, "MaxFieldSize")]
    [InlineData("rows.json.gz", 256 << 20, "write it as JSON Lines")]
    public void Read_MoreThanOneFieldOrArrayMayHave_IsATypedError(string name, long most, string problem)
    {
        using TemporaryFolder folder = new();
        using (GZipStream stream = new(File.Create(folder.File(name)), CompressionLevel.Fastest)) WriteMany(stream, ' ', most + 2);
        Assert.Contains(problem, Assert.Throws<InvalidInputException>(() => DatasetFile.Read(folder.File(name)).Count()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_FileThatTheSystemDoesNotRead_IsAStorageError()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux has a file whose beginning cannot be read.");
        using TemporaryFolder folder = new();
        File.CreateSymbolicLink(folder.File("rows.jsonl"), "/proc/self/mem");
        Assert.Equal(folder.File("rows.jsonl"), Assert.Throws<StorageException>(() => DatasetFile.Read(folder.File("rows.jsonl")).Count()).File);
    }

    private static void WriteMany(Stream stream, char letter, long count)
    {
        byte[] part = [.. Enumerable.Repeat((byte)letter, 1 << 20)];
        for (; count > 0; count -= part.Length) stream.Write(part, 0, (int)Math.Min(count, part.Length));
    }

    [Fact]
    public async Task Read_ParquetOfNestedColumns_HasNestedJson()
    {
        using TemporaryFolder folder = new();
        string file = folder.File("rows.parquet");
        ParquetSchema schema = new(
            new ListField("messages", new StructField("element", new DataField<string>("role"), new DataField<string>("content"))),
            new MapField("scores", new DataField<string>("key", nullable: false), new DataField<int>("value")));
        Dictionary<string, object?> row = new()
        {
            ["messages"] = new List<IDictionary<string, object>> { Message("user", "a"), Message("assistant", "b") },
            ["scores"] = new Dictionary<ReadOnlyMemory<char>, int> { ["x".AsMemory()] = 1, ["y".AsMemory()] = 2 },
        };
        await using (FileStream stream = File.Create(file)) await ParquetSerializer.SerializeUntypedAsync([row!], schema, stream);
        Assert.Equal("""{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}],"scores":{"x":1,"y":2}}""", Assert.Single(DatasetFile.Read(file)).Value!.Value.GetRawText());

        static Dictionary<string, object> Message(string role, string content) => new() { ["role"] = role, ["content"] = content };
    }

    [Fact]
    public async Task Read_ParquetOfEveryKind_HasWhatJsonHas()
    {
        using TemporaryFolder folder = new();
        string file = folder.File("rows.parquet");
        ParquetSchema schema = new(
            new DataField<string>("text"), new DataField<ReadOnlyMemory<byte>>("bytes"), new DataField<int>("int"), new DataField<long>("long"), new DataField<double>("double"), new DataField<float>("float"),
            new DataField<bool>("bool"), new DataField<short>("short"), new DataField<decimal>("decimal"), new DataField<DateTime>("time"), new DataField<string>("nothing"));
        Dictionary<string, object?> row = new()
        {
            ["text"] = "a", ["bytes"] = new ReadOnlyMemory<byte>("b"u8.ToArray()), ["int"] = 1, ["long"] = 2L, ["double"] = 0.5, ["float"] = 0.25f, ["bool"] = true, ["short"] = (short)3, ["decimal"] = 4.5m,
            ["time"] = new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc), ["nothing"] = null,
        };
        await using (FileStream stream = File.Create(file)) await ParquetSerializer.SerializeUntypedAsync([row!], schema, stream);
        System.Text.Json.JsonElement read = Assert.Single(DatasetFile.Read(file)).Value!.Value;
        Assert.Equal(("a", "b", 1, 2, 0.5, 0.25, true), (read.GetProperty("text").GetString(), read.GetProperty("bytes").GetString(), read.GetProperty("int").GetInt32(), read.GetProperty("long").GetInt64(),
            read.GetProperty("double").GetDouble(), read.GetProperty("float").GetDouble(), read.GetProperty("bool").GetBoolean()));
        Assert.StartsWith("01/02/2026", read.GetProperty("time").GetString(), StringComparison.Ordinal);
        Assert.False(read.TryGetProperty("nothing", out _));
    }

    [Theory]
    [InlineData("{\"text\":\"a\"}", RowFormat.Text)]
    [InlineData("{\"instruction\":\"a\",\"input\":\"\",\"output\":\"b\"}", RowFormat.Alpaca)]
    [InlineData("{\"conversations\":[]}", RowFormat.ShareGpt)]
    [InlineData("{\"messages\":[]}", RowFormat.Messages)]
    [InlineData("{\"question\":\"a\",\"answer\":\"b\",\"explanation\":\"c\",\"confidence\":\"High\"}", RowFormat.Questions)]
    public void Detect_FirstRows_SaysFormatAndReason(string text, RowFormat expected)
    {
        using TemporaryFolder folder = new();
        DetectedFormat found = FormatDetector.Detect(DatasetFixture.Write(folder, "rows.jsonl", text));
        Assert.Equal(expected, found.Format);
        Assert.Contains("the first row has '", found.Reason, StringComparison.Ordinal);
    }
}
