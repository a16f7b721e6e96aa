using Google.Protobuf;
using Grpc.Core;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Artifacts;
using Lema.Server.Models;
using Lema.Server.Storage;
using Lema.Server.Tests.Fakes;
using Lema.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace Lema.Server.Tests.Faults;

/// <summary>Uploads when the power fails, when the disk has room for one of two, and when the database refuses.</summary>
public sealed class UploadFaultTests
{
    private const int Half = 1_000;

    private static readonly byte[] Content = [.. Enumerable.Range(0, 2 * Half).Select(i => (byte)(i % 251))];
    private static readonly BeginUploadRequest Announced = new()
    {
        Kind = UploadKind.Model, Name = "model", Files = { new FileEntry { Path = "config.json", SizeBytes = 0 }, new FileEntry { Path = "parts/weights", SizeBytes = Content.Length } },
    };

    [Fact(DisplayName = "an upload, before and after every step of what is recorded of it")]
    public void PowerFails_DuringAnUpload_LeavesWhatHadBeenRecorded()
    {
        string[] steps;
        using (TemporaryFolder folder = new())
        using (DataFolder data = DataFolder.Open(folder.Path))
        {
            FaultyFileLayer whole = new(folder.Path);
            Send(new UploadStore(data, TimeProvider.System, whole), []);
            steps = [.. whole.Operations];
        }
        // What has arrived is on the disk before it is said to have.
        Assert.True(Array.LastIndexOf(steps, "sync weights") < Array.LastIndexOf(steps, "write state.new"));
        Assert.True(Array.IndexOf(steps, "sync folder parts") < Array.IndexOf(steps, "rename request.new"));
        for (int i = 0; i < steps.Length; i++)
        {
            PowerFails(root => new FaultyFileLayer(root) { KillBefore = i }, $"before {i}, {steps[i]}");
            PowerFails(root => new FaultyFileLayer(root) { KillAfter = i }, $"after {i}, {steps[i]}");
        }
    }

    [Fact(DisplayName = "disk full: what other uploads under way will take is not free")]
    public async Task BeginUpload_WithRoomForOneOfTwo_RefusesTheSecondUntilTheFirstIsGoneOrLeft()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        Protocol.V1.Artifacts.ArtifactsClient artifacts = new(daemon.Channel);
        BeginUploadRequest Most(string name) => new()
        {
            Kind = UploadKind.Model, Name = name, Files = { new FileEntry { Path = "weights", SizeBytes = (long)(0.6 * new DriveInfo(daemon.Folder).AvailableFreeSpace) } },
        };
        Upload first = await artifacts.BeginUploadAsync(Most("first"));
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => artifacts.BeginUploadAsync(Most("second")).ResponseAsync);
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.Contains("other uploads", refused.Status.Detail, StringComparison.Ordinal);

        File.SetLastWriteTimeUtc(Path.Combine(daemon.Folder, "uploads", first.Id, "state"), DateTime.UtcNow.AddMinutes(-16));
        Upload second = await artifacts.BeginUploadAsync(Most("second"));
        await artifacts.AbortUploadAsync(new AbortUploadRequest { UploadId = second.Id });
        await artifacts.BeginUploadAsync(Most("third"));
    }

    [Fact(DisplayName = "io error of the database: a model that was taken over and could not be registered can be uploaded again")]
    public async Task CommitUpload_OfAModelThatCannotBeRegistered_CanBeMadeAgain()
    {
        using TemporaryFolder folder = new();
        using RefusedWrites refused = RefusedWrites.Below(folder.Path);
        await using TestDaemon daemon = await TestDaemon.StartAsync(folder.File("data"));
        UploadStore uploads = daemon.Services.GetRequiredService<UploadStore>();
        UploadCommit commit = daemon.Services.GetRequiredService<UploadCommit>();
        string tiny = daemon.Services.GetRequiredService<ModelRegistry>().Get(ModelRegistry.EmbeddedName).Folder;
        BeginUploadRequest model = new() { Kind = UploadKind.Model, Name = "up" };
        foreach (string file in Directory.GetFiles(tiny))
            model.Files.Add(new FileEntry { Path = Path.GetFileName(file), SizeBytes = new FileInfo(file).Length, Sha256 = Sha256.OfFile(file) });

        refused.Begin(RefusedWrites.InputOutput);
        await Assert.ThrowsAsync<SqliteException>(() => UploadAsync());
        refused.End();
        // Its files had gone over already.
        await Assert.ThrowsAsync<InvalidInputException>(() => UploadAsync());
        await UploadAsync();
        Assert.Equal(model.Files.Count, Directory.GetFiles(daemon.Services.GetRequiredService<ModelRegistry>().Get("up").Folder).Length);

        Task<CommitUploadResponse> UploadAsync()
        {
            string id = uploads.Begin(model).Id;
            Dictionary<string, ReceivedRanges> written = [];
            if (uploads.Get(id).ReceivedBytes == 0)
            {
                foreach (FileEntry file in model.Files)
                {
                    File.Copy(Path.Combine(tiny, file.Path), Path.Combine(uploads.FilesOf(id), file.Path), overwrite: true);
                    written[file.Path] = new ReceivedRanges([new ByteRange { Length = file.SizeBytes }]);
                }
            }
            uploads.Record(id, written);
            return commit.CommitAsync(new CommitUploadRequest { UploadId = id });
        }
    }

    private static void PowerFails(Func<string, FaultyFileLayer> layer, string moment)
    {
        using TemporaryFolder folder = new();
        using DataFolder data = DataFolder.Open(folder.Path);
        List<Upload> recorded = [];
        Assert.Throws<KilledException>(() => Send(new UploadStore(data, TimeProvider.System, layer(folder.Path)), recorded));

        UploadStore store = new(data, TimeProvider.System);
        Upload now = store.Begin(Announced);
        if (recorded.Count > 0) Assert.True(now.ReceivedBytes >= recorded[^1].ReceivedBytes, moment);
        foreach (ByteRange range in now.Files[1].Received)
            Assert.True(File.ReadAllBytes(Path.Combine(store.FilesOf(now.Id), "parts/weights")).AsSpan((int)range.Offset, (int)range.Length).SequenceEqual(Content.AsSpan((int)range.Offset, (int)range.Length)), moment);
        Send(store, recorded);
        Assert.Equal(Content.Length, store.Get(now.Id).ReceivedBytes);
    }

    /// <param name="recorded">Gets what the sender has been told.</param>
    private static void Send(UploadStore store, List<Upload> recorded)
    {
        recorded.Add(store.Begin(Announced));
        foreach (int offset in (int[])[0, Half])
        {
            store.Write(new WriteUploadRequest { UploadId = recorded[^1].Id, Path = "parts/weights", Offset = offset, Data = ByteString.CopyFrom(Content, offset, Half) });
            recorded.Add(store.Record(recorded[^1].Id, new Dictionary<string, ReceivedRanges> { ["parts/weights"] = new([new ByteRange { Offset = offset, Length = Half }]) }));
        }
    }
}
