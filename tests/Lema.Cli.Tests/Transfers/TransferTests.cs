using Lema.Cli.Tests.Fakes;
using Lema.Cli.Transfers;
using Lema.Protocol.V1;

namespace Lema.Cli.Tests.Transfers;

public sealed class TransferTests
{
    [Fact]
    public async Task Download_BrokenLine_BringsTheRightBytes()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        byte[] bytes = Bytes((int)TransferPart.Size + 5_000_000);
        daemon.Artifacts.Files["a/model.safetensors"] = bytes;
        daemon.Artifacts.Files["config.json"] = "{}"u8.ToArray();
        daemon.Artifacts.BreakNextCalls = 2;
        string folder = Path.Combine(terminal.Home, "here");

        Assert.Equal(0, await daemon.RunAsync(terminal, "artifact", "download", "first", "-o", folder));

        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(folder, "a", "model.safetensors")));
        Assert.Equal(["a", "config.json"], Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Single(Directory.GetFiles(Path.Combine(folder, "a")));
    }

    [Fact]
    public async Task Download_GivenAgain_AsksOnlyForWhatIsMissing()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        byte[] bytes = Bytes((int)TransferPart.Size + 1000);
        daemon.Artifacts.Files["model.safetensors"] = bytes;
        string target = Path.Combine(terminal.Home, "here", "model.safetensors");
        PartialFile partial = PartialFile.Open(target, bytes.Length, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)));
        await using (FileStream stream = File.OpenWrite(partial.BytesPath)) await stream.WriteAsync(bytes.AsMemory(0, (int)TransferPart.Size));
        partial.Complete(new TransferPart("model.safetensors", 0, TransferPart.Size));

        Assert.Equal(0, await daemon.RunAsync(terminal, "artifact", "download", "first", "-o", Path.GetDirectoryName(target)!));
        Assert.Equal(0, await daemon.RunAsync(terminal, "artifact", "download", "first", "-o", Path.GetDirectoryName(target)!));

        Assert.Equal((TransferPart.Size, 1000), (Assert.Single(daemon.Artifacts.Downloads).Offset, daemon.Artifacts.Downloads[0].Length));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(target));
    }

    [Fact]
    public async Task Download_ListWithoutHashes_GoesOnAllTheSame()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        byte[] bytes = Bytes((int)TransferPart.Size + 1000);
        daemon.Artifacts.Files["model.safetensors"] = bytes;
        daemon.Artifacts.ListWithoutHashes = true;
        string target = Path.Combine(terminal.Home, "here", "model.safetensors");
        PartialFile partial = PartialFile.Open(target, bytes.Length, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)));
        await using (FileStream stream = File.OpenWrite(partial.BytesPath)) await stream.WriteAsync(bytes.AsMemory(0, (int)TransferPart.Size));
        partial.Complete(new TransferPart("model.safetensors", 0, TransferPart.Size));

        Assert.Equal(0, await daemon.RunAsync(terminal, "artifact", "download", "first", "-o", Path.GetDirectoryName(target)!));

        Assert.Equal([(long)bytes.Length, TransferPart.Size], daemon.Artifacts.Downloads.Select(d => d.Offset));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(target));
    }

    [Fact]
    public async Task Download_Damaged_IsRefusedAndLeavesNothing()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Artifacts.Files["f"] = Bytes(1000);
        daemon.Artifacts.DamageDownloads = true;
        string folder = Path.Combine(terminal.Home, "here");

        Assert.Equal(1, await daemon.RunAsync(terminal, "artifact", "download", "first", "-o", folder));

        Assert.Empty(Directory.GetFileSystemEntries(folder));
        Assert.Contains("SHA-256", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Download_UnknownPath_IsNotFound()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Artifacts.Files["f"] = Bytes(10);

        Assert.Equal(3, await daemon.RunAsync(terminal, "artifact", "download", "first", "g"));
    }

    [Fact]
    public async Task Upload_BrokenLine_GoesOnAndVerifies()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        string folder = Directory.CreateDirectory(Path.Combine(terminal.Home, "model")).FullName;
        byte[] bytes = Bytes((int)TransferPart.Size + 3_000_000);
        await File.WriteAllBytesAsync(Path.Combine(folder, "model.safetensors"), bytes);
        await File.WriteAllTextAsync(Path.Combine(folder, ".hidden"), "no");
        daemon.Artifacts.BreakNextCalls = 1;

        Assert.Equal(0, await daemon.RunAsync(terminal, "model", "upload", "mine", folder));

        Assert.Equal(bytes, daemon.Artifacts.Uploaded["model.safetensors"]);
        Assert.Equal(bytes.Length, daemon.Artifacts.Written.Sum(w => w.Length));
        Assert.Equal(["model.safetensors"], daemon.Artifacts.Committed!.Files.Select(f => f.Path));
        Assert.Contains("Trying again", terminal.Error, StringComparison.Ordinal);
    }

    /// <summary>The calls of a transfer go over one line: its break is told once.</summary>
    [Theory]
    [InlineData("artifact", "download", "first", "-o", "here")]
    [InlineData("model", "upload", "mine", "model")]
    public async Task Transfer_EveryCallBreaksAtOnce_IsToldOnce(params string[] command)
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        byte[] bytes = Bytes((int)TransferPart.Size * TransferPart.ParallelCalls);
        Directory.CreateDirectory(Path.Combine(terminal.Home, "model"));
        await File.WriteAllBytesAsync(Path.Combine(terminal.Home, "model", "model.safetensors"), bytes);
        daemon.Artifacts.Files["model.safetensors"] = bytes;
        daemon.Artifacts.BreakNextCalls = TransferPart.ParallelCalls;

        Assert.Equal(0, await daemon.RunAsync(terminal, [.. command[..^1], Path.Combine(terminal.Home, command[^1])]));

        string[] told = [.. terminal.Error.Split('\n').Where(l => l.Contains("again", StringComparison.Ordinal))];
        Assert.Equal(2, told.Length);
        Assert.EndsWith("Trying again.", told[0], StringComparison.Ordinal);
        Assert.Equal("Connected again.", told[1]);
    }

    [Fact]
    public async Task Upload_PartlyThere_SendsOnlyTheRest()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        byte[] bytes = Bytes(2_000_000);
        string file = Path.Combine(terminal.Home, "data.jsonl");
        await File.WriteAllBytesAsync(file, bytes);
        daemon.Artifacts.Uploaded["data.jsonl"] = [.. bytes[..1_500_000], .. new byte[500_000]];
        daemon.Artifacts.State = new Upload { Id = "u1", ReceivedBytes = 1_500_000, Files = { new UploadFile { Path = "data.jsonl", SizeBytes = bytes.Length, Received = { new ByteRange { Length = 1_500_000 } } } } };
        daemon.Datasets.List = new ListDatasetsResponse { Datasets = { new Dataset { Name = "mine", Rows = 1 } } };

        Assert.Equal(0, await daemon.RunAsync(terminal, "dataset", "upload", "mine", file));

        Assert.Equal((1_500_000, 500_000), (daemon.Artifacts.Written.Min(w => w.Offset), daemon.Artifacts.Written.Sum(w => w.Length)));
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 3)]
    public async Task Upload_LineBreaksAfterTheCommit_IsDoneWhereTheHostHasIt(bool isMissing, int exitCode)
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        string folder = Directory.CreateDirectory(Path.Combine(terminal.Home, "adapter")).FullName;
        await File.WriteAllBytesAsync(Path.Combine(folder, "adapter_model.safetensors"), Bytes(100));
        daemon.Artifacts.LoseAnswerOfCommit = true;
        daemon.Artifacts.Unknown = isMissing;

        Assert.Equal(exitCode, await daemon.RunAsync(terminal, "artifact", "upload", "adapter/mine", folder));

        Assert.NotNull(daemon.Artifacts.Committed);
    }

    [Theory]
    [InlineData("model/mine", UploadKind.Model)]
    [InlineData("dataset/mine", UploadKind.Dataset)]
    [InlineData("adapter/mine", UploadKind.Adapter)]
    public async Task Abort_OfAnUpload_NamesItToTheHostAndSaysWhatHadArrived(string owner, UploadKind kind)
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Artifacts.State = new Upload { Id = "u1", ReceivedBytes = 3 << 20 };

        Assert.Equal(2, await daemon.RunAsync(terminal, "artifact", "abort", owner));
        Assert.Null(daemon.Artifacts.Aborted);
        Assert.Equal(0, await daemon.RunAsync(terminal, "artifact", "abort", owner, "--yes"));

        Assert.Equal(new AbortUploadRequest { Kind = kind, Name = "mine" }, daemon.Artifacts.Aborted);
        Assert.Contains($"Gave up the upload of {owner}: 3.0 MiB had arrived.", terminal.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mine", 2)]
    [InlineData("run/mine", 2)]
    [InlineData("model/", 2)]
    [InlineData("model/mine", 3)]
    public async Task Abort_OfWhatIsNotUploaded_IsRefused(string owner, int exitCode)
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Artifacts.Unknown = true;

        Assert.Equal(exitCode, await daemon.RunAsync(terminal, "artifact", "abort", owner, "--yes"));
    }

    [Fact]
    public async Task Upload_NothingThere_IsNotFound()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();

        Assert.Equal(3, await daemon.RunAsync(terminal, "model", "upload", "mine", Path.Combine(terminal.Home, "nowhere")));
    }

    [Fact]
    public async Task Merge_Output_DownloadsTheModel()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Artifacts.Files["config.json"] = "{}"u8.ToArray();
        daemon.Artifacts.Files["model.safetensors"] = Bytes(100);
        string folder = Path.Combine(terminal.Home, "merged");

        Assert.Equal(0, await daemon.RunAsync(terminal, "merge", "first", "--dtype", "float32", "--output", folder));
        Assert.Contains($"lema-remote artifact download model/first-150 --output {folder} --host {daemon.Address}\n", terminal.Error, StringComparison.Ordinal);
        Assert.Equal(1, await daemon.RunAsync(terminal, "merge", "first", "--output", folder));

        Assert.Equal("float32", daemon.Exports.Started!.Dtype);
        Assert.True(File.Exists(Path.Combine(folder, "model.safetensors")));
        Assert.Contains("holds a model already", terminal.Error, StringComparison.Ordinal);
    }

    private static byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        new Random(7).NextBytes(bytes);
        return bytes;
    }
}
