using Google.Protobuf;
using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Server.Artifacts;
using Lema.Server.Models;
using Lema.Server.Runs;
using Lema.Server.Storage;
using Lema.Server.Tests.Fakes;
using Lema.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Lema.Server.Tests;

/// <summary>What becomes of uploads when they are committed, and the files of every owner.</summary>
public sealed class UploadCommitTests
{
    private static readonly string TinyModel = Path.Combine(AppContext.BaseDirectory, "assets", ModelRegistry.EmbeddedName);

    private static Dictionary<string, byte[]> Tiny => Directory.GetFiles(TinyModel).ToDictionary(file => Path.GetFileName(file), File.ReadAllBytes);

    [Fact]
    public async Task Commit_OfAModel_IsAModelOfTheHostUntilItIsDeleted()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        Protocol.V1.Artifacts.ArtifactsClient artifacts = new(daemon.Channel);
        Protocol.V1.Models.ModelsClient models = new(daemon.Channel);
        Assert.Equal("mine", (await UploadAsync(artifacts, UploadKind.Model, "mine", Tiny)).Name);

        ModelRegistry registry = daemon.Services.GetRequiredService<ModelRegistry>();
        Assert.Equal((ModelOrigin.Uploaded, false), (registry.Get("mine").Origin, registry.IsFree("mine")));
        Assert.Equal(Tiny.Keys.Order(StringComparer.Ordinal), (await artifacts.ListArtifactsAsync(new ListArtifactsRequest { Owner = "model/mine" })).Files.Select(file => file.Path));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(daemon.Folder, "uploads")));

        // The same announcement again is a new upload; its name is taken.
        await RefusedAsync(StatusCode.FailedPrecondition, "already", () => UploadAsync(artifacts, UploadKind.Model, "mine", Tiny));
        Directory.CreateDirectory(registry.PreparedFolder("mine"));
        Assert.Equal(registry.PreparedFolder("mine"), registry.StreamingFolder(registry.Get("mine")));

        await models.DeleteModelAsync(new DeleteModelRequest { Name = "mine" });
        Assert.True(registry.IsFree("mine"));
        foreach (string folder in (string[])["models", "prepared"]) Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(daemon.Folder, folder)));
        await RefusedAsync(StatusCode.FailedPrecondition, "ships with", () => models.DeleteModelAsync(new DeleteModelRequest { Name = ModelRegistry.EmbeddedName }).ResponseAsync);
    }

    [Fact]
    public async Task Commit_OfWhatIsNoModel_IsRefusedAndTheNameIsFree()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        Protocol.V1.Artifacts.ArtifactsClient artifacts = new(daemon.Channel);
        await RefusedAsync(StatusCode.InvalidArgument, "model_type", () => UploadAsync(artifacts, UploadKind.Model, "mine", new() { ["config.json"] = "{}"u8.ToArray() }));
        Assert.True(daemon.Services.GetRequiredService<ModelRegistry>().IsFree("mine"));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(daemon.Folder, "models")));
    }

    [Fact]
    public async Task Commit_WhereAFolderOfNoModelWasLeft_TakesItsPlace()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        string folder = Directory.CreateDirectory(Path.Combine(daemon.Folder, "models", "mine")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "left"), "");
        await UploadAsync(new(daemon.Channel), UploadKind.Model, "mine", Tiny);
        Assert.Equal(Tiny.Keys.Order(), Directory.GetFileSystemEntries(folder).Select(path => Path.GetFileName(path)).Order());
    }

    [Fact]
    public async Task AddModel_OfAModelRoot_StaysThereWhenItIsDeleted()
    {
        using TemporaryFolder root = new();
        Directory.CreateDirectory(root.File("tiny"));
        foreach ((string name, byte[] content) in Tiny) File.WriteAllBytes(root.File("tiny/" + name), content);
        await using TestDaemon daemon = await TestDaemon.StartAsync(change: options => options with { ModelRoots = [root.Path] });
        ModelRegistry registry = daemon.Services.GetRequiredService<ModelRegistry>();

        registry.Reserve("mine");
        Assert.Contains("being made", (await Assert.ThrowsAsync<Errors.ConflictException>(() => registry.AddAsync("mine", "tiny"))).Message, StringComparison.Ordinal);
        registry.Release("mine");
        Assert.Equal(root.File("tiny"), (await registry.AddAsync("mine", "tiny")).Folder);
        await registry.DeleteAsync("mine");

        Assert.True(File.Exists(root.File("tiny/config.json")));
        Assert.Null(registry.Find("mine"));
    }

    [Fact]
    public async Task Commit_OfADataset_IsADatasetWithOneFile()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        Protocol.V1.Artifacts.ArtifactsClient artifacts = new(daemon.Channel);
        await UploadAsync(artifacts, UploadKind.Dataset, "rows", new() { ["any.jsonl"] = "{\"text\":\"a\"}\n"u8.ToArray() });
        Assert.Equal("rows.jsonl", Assert.Single((await artifacts.ListArtifactsAsync(new ListArtifactsRequest { Owner = "dataset/rows" })).Files).Path);
        ArtifactOwners owners = daemon.Services.GetRequiredService<ArtifactOwners>();
        Assert.Equal("{\"text\":\"a\"}\n", await File.ReadAllTextAsync(owners.Find("dataset/rows", "rows.jsonl")));
        Assert.Throws<Engine.Errors.NotFoundException>(() => owners.Find("dataset/rows", "any.jsonl"));
    }

    [Fact]
    public async Task Commit_OfAnAdapter_ReplacesAnotherOnlyWhenItIsSaid()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        Protocol.V1.Artifacts.ArtifactsClient artifacts = new(daemon.Channel);
        Dictionary<string, byte[]> files = new() { ["adapter_config.json"] = "{}"u8.ToArray(), ["adapter_model.safetensors"] = [1] };
        await RefusedAsync(StatusCode.InvalidArgument, "adapter_model.safetensors", () => UploadAsync(artifacts, UploadKind.Adapter, "mine", new() { ["adapter_config.json"] = [] }));
        await UploadAsync(artifacts, UploadKind.Adapter, "mine", files);
        files["adapter_model.safetensors"] = [2];
        await RefusedAsync(StatusCode.FailedPrecondition, "already", () => UploadAsync(artifacts, UploadKind.Adapter, "mine", files));
        string kept = daemon.Services.GetRequiredService<ArtifactOwners>().Find("adapter/mine", "adapter_model.safetensors");
        Assert.Equal([1], await File.ReadAllBytesAsync(kept));
        RunDatabase database = daemon.Services.GetRequiredService<RunDatabase>();
        RunDetail user = new()
        {
            Summary = new RunSummary { Id = "user", Name = "user", State = RunState.Paused, Created = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTime(DateTime.UnixEpoch) },
            Settings = new RunSettings { InitAdapter = "mine" },
        };
        await database.WriteAsync((connection, transaction) => RunStore.Insert(connection, transaction, user, idempotencyKey: null));
        await RefusedAsync(StatusCode.FailedPrecondition, "used by user", () => UploadAsync(artifacts, UploadKind.Adapter, "mine", files, overwrite: true));
        user.Summary.State = RunState.Stopped;
        await database.WriteAsync((connection, transaction) => RunStore.Update(connection, transaction, user));
        await UploadAsync(artifacts, UploadKind.Adapter, "mine", files, overwrite: true);
        Assert.Equal([2], await File.ReadAllBytesAsync(kept));
        Assert.Equal(["mine"], Directory.GetFileSystemEntries(Path.Combine(daemon.Folder, "adapters")).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Commit_OfNoKind_IsRefused()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await RefusedAsync(StatusCode.InvalidArgument, "a model, a dataset or an adapter", () => UploadAsync(new(daemon.Channel), UploadKind.Unspecified, "mine", new() { ["a"] = [1] }));
    }

    [Fact]
    public async Task Commit_BeforeAllIsRight_NamesEveryFileAndCanBeMadeGood()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        Protocol.V1.Artifacts.ArtifactsClient artifacts = new(daemon.Channel);
        byte[] config = "{}"u8.ToArray(), weights = [1];
        BeginUploadRequest request = new()
        {
            Kind = UploadKind.Adapter, Name = "mine",
            Files = { new FileEntry { Path = "adapter_config.json", SizeBytes = config.Length, Sha256 = Sha256.Of(weights) }, new FileEntry { Path = "adapter_model.safetensors", SizeBytes = 1 }, new FileEntry { Path = "README.md", SizeBytes = 3 } },
        };
        string id = (await artifacts.BeginUploadAsync(request)).Id;
        await WriteAsync(artifacts, id, "adapter_config.json", config);
        await WriteAsync(artifacts, id, "adapter_model.safetensors", weights);
        string problems = await RefusedAsync(StatusCode.InvalidArgument, "0 of 3 bytes", () => artifacts.CommitUploadAsync(new CommitUploadRequest { UploadId = id }).ResponseAsync);
        Assert.Contains("SHA-256 is another", problems, StringComparison.Ordinal);
        Assert.Contains("SHA-256 has not been given", problems, StringComparison.Ordinal);

        await WriteAsync(artifacts, id, "README.md", "abc"u8.ToArray());
        CommitUploadRequest commit = new() { UploadId = id, Files = { new FileEntry { Path = "adapter_config.json", Sha256 = Sha256.Of(config).ToUpperInvariant() }, new FileEntry { Path = "adapter_model.safetensors", Sha256 = Sha256.Of(weights) }, new FileEntry { Path = "README.md", Sha256 = Sha256.Of("abc"u8) } } };
        Assert.Equal("mine", (await artifacts.CommitUploadAsync(commit)).Name);
    }

    [Fact(DisplayName = "kill: an upload whose file is gone is begun again")]
    public async Task Commit_OfAnUploadWhoseFileWasTaken_RemovesIt()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        Protocol.V1.Artifacts.ArtifactsClient artifacts = new(daemon.Channel);
        string id = (await artifacts.BeginUploadAsync(new BeginUploadRequest { Kind = UploadKind.Adapter, Name = "mine", Files = { new FileEntry { Path = "a", SizeBytes = 1, Sha256 = Sha256.Of([1]) } } })).Id;
        await WriteAsync(artifacts, id, "a", [1]);
        File.Delete(Path.Combine(daemon.Folder, "uploads", id, "files", "a"));
        await RefusedAsync(StatusCode.InvalidArgument, "is gone", () => artifacts.CommitUploadAsync(new CommitUploadRequest { UploadId = id }).ResponseAsync);
        await RefusedAsync(StatusCode.NotFound, "Begin it again", () => artifacts.CommitUploadAsync(new CommitUploadRequest { UploadId = id }).ResponseAsync);
    }

    [Fact]
    public async Task Begin_BesideADamagedUpload_IsNotItsTrouble()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        Protocol.V1.Artifacts.ArtifactsClient artifacts = new(daemon.Channel);
        BeginUploadRequest Request(string name) => new() { Kind = UploadKind.Model, Name = name, Files = { new FileEntry { Path = "a", SizeBytes = 1 } } };
        string damaged = (await artifacts.BeginUploadAsync(Request("damaged"))).Id;
        await File.WriteAllBytesAsync(Path.Combine(daemon.Folder, "uploads", damaged, "state"), [0xFF]);
        Assert.Equal(1, (await artifacts.BeginUploadAsync(Request("whole"))).TotalBytes);
    }

    [Theory]
    [InlineData("model", StatusCode.InvalidArgument)]
    [InlineData("model/", StatusCode.InvalidArgument)]
    [InlineData("/name", StatusCode.InvalidArgument)]
    [InlineData("model/name/more", StatusCode.InvalidArgument)]
    [InlineData("token/admin", StatusCode.InvalidArgument)]
    [InlineData("model/absent", StatusCode.NotFound)]
    [InlineData("dataset/absent", StatusCode.NotFound)]
    [InlineData("run/absent", StatusCode.NotFound)]
    [InlineData("adapter/absent", StatusCode.NotFound)]
    [InlineData("adapter/..", StatusCode.NotFound)]
    public async Task ListArtifacts_OfNoOwner_IsRefused(string owner, StatusCode status)
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        Protocol.V1.Artifacts.ArtifactsClient artifacts = new(daemon.Channel);
        await RefusedAsync(status, "", () => artifacts.ListArtifactsAsync(new ListArtifactsRequest { Owner = owner }).ResponseAsync);
    }

    [Fact]
    public async Task ListArtifacts_OfAModelWhoseFolderIsGone_IsEmpty()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.Services.GetRequiredService<ModelRegistry>().RegisterAsync("away", ModelOrigin.Added, Path.Combine(daemon.Folder, "away"));
        Assert.Empty((await new Protocol.V1.Artifacts.ArtifactsClient(daemon.Channel).ListArtifactsAsync(new ListArtifactsRequest { Owner = "model/away" })).Files);
        Assert.Throws<Engine.Errors.NotFoundException>(() => daemon.Services.GetRequiredService<ArtifactOwners>().Find("model/away", "config.json"));
    }

    private static async Task<string> RefusedAsync(StatusCode status, string problem, Func<Task> call)
    {
        RpcException refused = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal(status, refused.StatusCode);
        Assert.Contains(problem, refused.Status.Detail, StringComparison.Ordinal);
        return refused.Status.Detail;
    }

    private static async Task<CommitUploadResponse> UploadAsync(Protocol.V1.Artifacts.ArtifactsClient artifacts, UploadKind kind, string name, Dictionary<string, byte[]> files, bool overwrite = false)
    {
        BeginUploadRequest request = new() { Kind = kind, Name = name, Overwrite = overwrite };
        request.Files.AddRange(files.Select(file => new FileEntry { Path = file.Key, SizeBytes = file.Value.Length, Sha256 = Sha256.Of(file.Value) }));
        string id = (await artifacts.BeginUploadAsync(request)).Id;
        foreach ((string path, byte[] content) in files) await WriteAsync(artifacts, id, path, content);
        return await artifacts.CommitUploadAsync(new CommitUploadRequest { UploadId = id });
    }

    private static async Task WriteAsync(Protocol.V1.Artifacts.ArtifactsClient artifacts, string id, string path, byte[] content)
    {
        using AsyncClientStreamingCall<WriteUploadRequest, Upload> call = artifacts.WriteUpload(deadline: DateTime.UtcNow.AddMinutes(1));
        for (int offset = 0; offset == 0 || offset < content.Length; offset += UploadStore.LargestChunk)
        {
            ByteString data = ByteString.CopyFrom(content.AsSpan(offset, Math.Min(UploadStore.LargestChunk, content.Length - offset)));
            await call.RequestStream.WriteAsync(new WriteUploadRequest { UploadId = id, Path = path, Offset = offset, Data = data });
        }
        await call.RequestStream.CompleteAsync();
        await call;
    }
}
