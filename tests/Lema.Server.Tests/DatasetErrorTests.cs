using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Server.Tests.Fakes;

namespace Lema.Server.Tests;

/// <summary>Errors of datasets name the dataset and never a path of the host.</summary>
public sealed class DatasetErrorTests
{
    [Fact]
    public async Task Upload_OfAFileThatIsNoDataset_NamesTheDataset()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => daemon.UploadDatasetAsync("own", "{\"foo\":1}"));
        Assert.StartsWith("dataset 'own': line 1: the fields 'foo' are of no known format.", refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BeginUpload_OfMoreThanTheDiskHolds_IsRefusedBeforeAnyByteTravels()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        BeginUploadRequest request = new() { Kind = UploadKind.Dataset, Name = "own", Files = { new FileEntry { Path = "rows.jsonl", SizeBytes = 3L << 40 } } };
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => new Protocol.V1.Artifacts.ArtifactsClient(daemon.Channel).BeginUploadAsync(request).ResponseAsync);
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.Contains("3,298,534,883,328 bytes", refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BeginUpload_OfAnUnknownEnding_IsRefusedBeforeAnyByteTravels()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        BeginUploadRequest request = new() { Kind = UploadKind.Dataset, Name = "own", Files = { new FileEntry { Path = "rows.txt", SizeBytes = 1 } } };
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => new Protocol.V1.Artifacts.ArtifactsClient(daemon.Channel).BeginUploadAsync(request).ResponseAsync);
        Assert.Contains("'rows.txt' has not the ending of a dataset", refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Preview_OfABadRow_NamesTheDatasetAndTheLine()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.UploadDatasetAsync("own", "{\"prompt\":\"a\",\"completion\":\"b\"}\n{\"prompt\":\"a\"}\n");
        RpcException bad = await Assert.ThrowsAsync<RpcException>(() =>
            new Protocol.V1.Datasets.DatasetsClient(daemon.Channel).PreviewDatasetAsync(new PreviewDatasetRequest { Name = "own", Model = "lema-tiny" }).ResponseAsync);
        Assert.Equal("dataset 'own': line 2: completion: is missing.", bad.Status.Detail);
    }
}
