using Google.Protobuf;
using Grpc.Core;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Server.Services;
using Lema.Server.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Lema.Server.Tests;

/// <summary>Clients whose connection lives, and who send nothing more of what they upload.</summary>
public sealed class SilentUploadTests
{
    private const int Half = 700_000;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UtcNow);

    [Fact(DisplayName = "an upload that falls silent: ended with what to do, and goes on where it stopped")]
    public async Task WriteUpload_Silent_IsEndedAfterTheReadLimitAndGoesOn()
    {
        await using TestDaemon daemon = await StartAsync();
        Protocol.V1.Artifacts.ArtifactsClient artifacts = new(daemon.Channel);
        byte[] rows = new byte[2 * Half];
        Array.Fill(rows, (byte)'\n');
        """{"prompt":"a","completion":"b"}"""u8.CopyTo(rows);
        BeginUploadRequest announced = new()
        {
            Kind = UploadKind.Dataset, Name = "rows",
            Files = { new FileEntry { Path = "rows.jsonl", SizeBytes = rows.Length, Sha256 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(rows)) } },
        };
        string id = (await artifacts.BeginUploadAsync(announced)).Id;
        using AsyncClientStreamingCall<WriteUploadRequest, Upload> silent = artifacts.WriteUpload();
        await silent.RequestStream.WriteAsync(Part(id, rows, 0));

        RpcException ended = await EndAsync(silent.ResponseAsync);

        Assert.Equal(StatusCode.DeadlineExceeded, ended.StatusCode);
        Assert.Contains("begin the upload again", Failure.From(ended).Message, StringComparison.Ordinal);
        Assert.True(Failure.IsTransient(ended));
        Upload now = await artifacts.BeginUploadAsync(announced);
        Assert.Equal((id, Half), (now.Id, now.ReceivedBytes));
        using AsyncClientStreamingCall<WriteUploadRequest, Upload> rest = artifacts.WriteUpload();
        await rest.RequestStream.WriteAsync(Part(id, rows, Half));
        await rest.RequestStream.CompleteAsync();
        Assert.Equal(rows.Length, (await rest).ReceivedBytes);
        await artifacts.CommitUploadAsync(new CommitUploadRequest { UploadId = id });
    }

    [Fact(DisplayName = "an upload of which no message ever comes is ended")]
    public async Task WriteUpload_WithoutAnyMessage_IsEnded()
    {
        await using TestDaemon daemon = await StartAsync();
        using AsyncClientStreamingCall<WriteUploadRequest, Upload> silent = new Protocol.V1.Artifacts.ArtifactsClient(daemon.Channel).WriteUpload();
        Assert.Equal(StatusCode.DeadlineExceeded, (await EndAsync(silent.ResponseAsync)).StatusCode);
    }

    [Theory(DisplayName = "a dataset whose sender falls silent: ended, and nothing of it stays")]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task UploadDataset_Silent_IsEndedAndLeavesNothing(int messages)
    {
        await using TestDaemon daemon = await StartAsync();
        UploadDatasetRequest[] all = [new() { Header = new() { Name = "rows", FileName = "rows.jsonl", SizeBytes = 2 * Half } }, new() { Chunk = ByteString.CopyFrom(new byte[Half]) }];
        using AsyncClientStreamingCall<UploadDatasetRequest, Dataset> silent = new Protocol.V1.Datasets.DatasetsClient(daemon.Channel).UploadDataset();
        foreach (UploadDatasetRequest message in all[..messages]) await silent.RequestStream.WriteAsync(message);

        RpcException ended = await EndAsync(silent.ResponseAsync);

        Assert.Equal(StatusCode.DeadlineExceeded, ended.StatusCode);
        Assert.Contains("Upload it again", ended.Status.Detail, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(daemon.Folder, "uploads")));
    }

    [Fact(DisplayName = "an upload whose messages come slowly, each within the limit, is left alone")]
    public async Task WriteUpload_Slow_GoesOn()
    {
        await using TestDaemon daemon = await StartAsync();
        Protocol.V1.Artifacts.ArtifactsClient artifacts = new(daemon.Channel);
        const int count = 5;
        string id = (await artifacts.BeginUploadAsync(new BeginUploadRequest { Kind = UploadKind.Model, Name = "model", Files = { new FileEntry { Path = "weights", SizeBytes = count } } })).Id;
        string weights = Path.Combine(daemon.Folder, "uploads", id, "files", "weights");
        using AsyncClientStreamingCall<WriteUploadRequest, Upload> slow = artifacts.WriteUpload();
        for (int i = 0; i < count; i++)
        {
            await slow.RequestStream.WriteAsync(new WriteUploadRequest { UploadId = id, Path = "weights", Offset = i, Data = ByteString.CopyFrom(1) });
            using CancellationTokenSource late = new(Patience);
            while ((await File.ReadAllBytesAsync(weights, late.Token))[i] != 1) await Task.Delay(10, late.Token);
            _clock.Advance(0.6 * PatientReader.Limit);
        }
        await slow.RequestStream.CompleteAsync();
        Assert.Equal(count, (await slow).ReceivedBytes);
    }

    private Task<TestDaemon> StartAsync() => TestDaemon.StartAsync(configure: services => services.AddSingleton<TimeProvider>(_clock));

    private static WriteUploadRequest Part(string id, byte[] rows, int offset) => new() { UploadId = id, Path = "rows.jsonl", Offset = offset, Data = ByteString.CopyFrom(rows, offset, Half) };

    /// <summary>Turns the clock until the daemon ends the call.</summary>
    private async Task<RpcException> EndAsync(Task call)
    {
        DateTimeOffset start = _clock.GetUtcNow();
        using CancellationTokenSource late = new(Patience);
        while (!call.IsCompleted)
        {
            late.Token.ThrowIfCancellationRequested();
            _clock.Advance(TimeSpan.FromMilliseconds(500));
            await Task.WhenAny(call, Task.Delay(10, late.Token));
        }
        RpcException ended = await Assert.ThrowsAsync<RpcException>(() => call);
        Assert.True(_clock.GetUtcNow() - start >= PatientReader.Limit, $"ended after {_clock.GetUtcNow() - start}");
        return ended;
    }
}
