using Google.Protobuf;
using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Server.Artifacts;
using Lema.Server.Tests.Fakes;

namespace Lema.Server.Tests;

/// <summary>What an upload may not be, over a real connection; nothing of what is refused stays.</summary>
public sealed class UploadLimitTests
{
    private const int Size = 3_000_000;

    private static BeginUploadRequest Announced => new() { Kind = UploadKind.Model, Name = "model", Files = { new FileEntry { Path = "weights", SizeBytes = Size } } };

    public static TheoryData<string> Announcements => [.. Wrong.Keys];

    private static readonly Dictionary<string, (string Field, Action<BeginUploadRequest> Spoil)> Wrong = new()
    {
        ["no file"] = ("files", request => request.Files.Clear()),
        ["10,001 files"] = ("files", request => request.Files.AddRange(Enumerable.Range(0, 10_000).Select(i => new FileEntry { Path = $"f{i}" }))),
        ["a negative size"] = ("files.size_bytes", request => request.Files[0].SizeBytes = -1),
        ["more than 4 TB"] = ("files.size_bytes", request => request.Files[0].SizeBytes = (4L << 40) + 1),
        ["more than the disk has"] = ("free", request => request.Files[0].SizeBytes = 4L << 40),
        ["more than the disk has, in sizes whose sum is not a number"] = ("files.size_bytes", request => request.Files.Add(new FileEntry { Path = "b", SizeBytes = long.MaxValue })),
        ["a path twice"] = ("files", request => request.Files.Add(request.Files[0].Clone())),
        ["a path that leads out"] = ("files.path", request => request.Files[0].Path = "../weights"),
        ["an absolute path"] = ("files.path", request => request.Files[0].Path = "/tmp/weights"),
        ["a path of 1,025 letters"] = ("files.path", request => request.Files[0].Path = string.Join('/', Enumerable.Repeat("abc", 257))[..1_025]),
        ["a name of 256 letters in a path"] = ("files.path", request => request.Files[0].Path = new string('a', 256)),
        ["a name that is a path"] = ("name", request => request.Name = "../model"),
        ["a name of 101 letters"] = ("name", request => request.Name = new string('a', 101)),
        ["a dataset of an unknown ending"] = ("files.path", request => request.Kind = UploadKind.Dataset),
        ["two files of a dataset"] = ("files", request => { request.Kind = UploadKind.Dataset; request.Files.Add(new FileEntry { Path = "b.jsonl" }); }),
    };

    [Theory(DisplayName = "limits: announcements of uploads")]
    [MemberData(nameof(Announcements))]
    public async Task Begin_OfWhatAnUploadMayNotBe_IsRefusedAndLeavesNothing(string wrong)
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        BeginUploadRequest request = Announced;
        Wrong[wrong].Spoil(request);
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => new Protocol.V1.Artifacts.ArtifactsClient(daemon.Channel).BeginUploadAsync(request, deadline: Soon).ResponseAsync);
        Assert.Contains(refused.StatusCode, (StatusCode[])[StatusCode.InvalidArgument, StatusCode.ResourceExhausted]);
        Assert.Contains(Wrong[wrong].Field, refused.Status.Detail, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(daemon.Folder, "uploads")));
    }

    [Fact(DisplayName = "limits: chunks of uploads")]
    public async Task Write_OfWhatWasNotAnnounced_IsRefusedAndWhatArrivedBeforeIsRecorded()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        Protocol.V1.Artifacts.ArtifactsClient artifacts = new(daemon.Channel);
        string id = (await artifacts.BeginUploadAsync(Announced, deadline: Soon)).Id;
        WriteUploadRequest right = new() { UploadId = id, Path = "weights", Offset = 0, Data = Bytes(UploadStore.LargestChunk) };
        (string Problem, StatusCode Status, WriteUploadRequest Chunk)[] wrong =
        [
            ("at most", StatusCode.InvalidArgument, new() { UploadId = id, Path = "weights", Data = Bytes(UploadStore.LargestChunk + 1) }),
            ("past the file's", StatusCode.InvalidArgument, new() { UploadId = id, Path = "weights", Offset = Size - 9, Data = Bytes(10) }),
            ("past the file's", StatusCode.InvalidArgument, new() { UploadId = id, Path = "weights", Offset = -1, Data = Bytes(10) }),
            ("past the file's", StatusCode.InvalidArgument, new() { UploadId = id, Path = "weights", Offset = long.MaxValue, Data = Bytes(10) }),
            ("not announced", StatusCode.InvalidArgument, new() { UploadId = id, Path = "other", Data = Bytes(10) }),
            ("not announced", StatusCode.InvalidArgument, new() { UploadId = id, Path = "../state", Data = Bytes(10) }),
            ("one upload", StatusCode.InvalidArgument, new() { UploadId = new string('0', 32), Path = "weights", Data = Bytes(10) }),
            ("", StatusCode.ResourceExhausted, new() { UploadId = id, Path = "weights", Data = Bytes(5 << 20) }),
        ];
        foreach ((string problem, StatusCode status, WriteUploadRequest chunk) in wrong)
        {
            RpcException refused = await Assert.ThrowsAsync<RpcException>(() => SendAsync(artifacts, right, chunk));
            Assert.Equal(status, refused.StatusCode);
            Assert.Contains(problem, refused.Status.Detail, StringComparison.Ordinal);
            Upload upload = await artifacts.GetUploadAsync(new GetUploadRequest { UploadId = id }, deadline: Soon);
            Assert.Equal(UploadStore.LargestChunk, upload.ReceivedBytes);
            Assert.Equal(Size, new FileInfo(Path.Combine(daemon.Folder, "uploads", id, "files", "weights")).Length);
        }
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(() => SendAsync(artifacts, new WriteUploadRequest { UploadId = "../" + id, Path = "weights" }))).StatusCode);
        Assert.Equal(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(() => SendAsync(artifacts))).StatusCode);
    }

    [Theory(DisplayName = "limits: datasets")]
    [InlineData(10, 11, "announced")]
    [InlineData(10, 9, "arrived")]
    [InlineData(-1, 1, "")]
    public async Task UploadDataset_WithOtherThanItsAnnouncedSize_IsRefusedAndLeavesNothing(long announced, int sent, string problem)
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        using AsyncClientStreamingCall<UploadDatasetRequest, Dataset> call = new Protocol.V1.Datasets.DatasetsClient(daemon.Channel).UploadDataset(deadline: Soon);
        RpcException refused = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            await TrySendAsync(call.RequestStream, new() { Header = new() { Name = "rows", FileName = "rows.jsonl", SizeBytes = announced } }, new() { Chunk = Bytes(sent) });
            await call;
        });
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains(problem, refused.Status.Detail, StringComparison.Ordinal);
        foreach (string folder in (string[])["uploads", "datasets"]) Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(daemon.Folder, folder)));
    }

    [Fact(DisplayName = "an upload is given up by its kind and name")]
    public async Task Abort_ByName_RemovesEveryUploadOfThatNameAndNoOther()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        Protocol.V1.Artifacts.ArtifactsClient artifacts = new(daemon.Channel);
        BeginUploadRequest again = Announced, other = Announced;
        again.Files[0].SizeBytes++;
        other.Name = "other";
        string id = (await artifacts.BeginUploadAsync(Announced, deadline: Soon)).Id;
        await artifacts.BeginUploadAsync(again, deadline: Soon);
        string stays = (await artifacts.BeginUploadAsync(other, deadline: Soon)).Id;
        await SendAsync(artifacts, new WriteUploadRequest { UploadId = id, Path = "weights", Data = Bytes(1_000) });
        AbortUploadRequest abort = new() { Kind = UploadKind.Model, Name = "model" };
        foreach (AbortUploadRequest wrong in (AbortUploadRequest[])[new() { Kind = UploadKind.Adapter, Name = "model" }, new() { Kind = UploadKind.Model, Name = "third" }, new()])
            Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(() => artifacts.AbortUploadAsync(wrong, deadline: Soon).ResponseAsync)).StatusCode);

        AbortUploadResponse answer = await artifacts.AbortUploadAsync(abort, deadline: Soon);

        Assert.Equal((2, 1_000), (answer.Uploads, answer.ReceivedBytes));
        Assert.Equal(stays, Path.GetFileName(Assert.Single(Directory.GetFileSystemEntries(Path.Combine(daemon.Folder, "uploads")))));
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(() => artifacts.AbortUploadAsync(abort, deadline: Soon).ResponseAsync)).StatusCode);
    }

    private static DateTime Soon => DateTime.UtcNow.AddMinutes(1);

    private static ByteString Bytes(int count) => ByteString.CopyFrom(new byte[count]);

    private static async Task<Upload> SendAsync(Protocol.V1.Artifacts.ArtifactsClient artifacts, params WriteUploadRequest[] chunks)
    {
        using AsyncClientStreamingCall<WriteUploadRequest, Upload> call = artifacts.WriteUpload(deadline: Soon);
        await TrySendAsync(call.RequestStream, chunks);
        return await call;
    }

    /// <summary>A call that has been refused takes no more; why is its result.</summary>
    private static async Task TrySendAsync<T>(IClientStreamWriter<T> stream, params T[] messages)
    {
        try
        {
            foreach (T message in messages) await stream.WriteAsync(message);
            await stream.CompleteAsync();
        }
        catch (RpcException)
        {
        }
        catch (InvalidOperationException)
        {
        }
    }
}
