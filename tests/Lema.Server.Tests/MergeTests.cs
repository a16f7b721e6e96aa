using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Server.Errors;
using Lema.Server.Jobs;
using Lema.Server.Models;
using Lema.Server.Storage;
using Lema.Server.Tests.Fakes;
using Lema.Server.Workers;
using Lema.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Lema.Server.Tests;

public sealed class MergeTests
{
    [Fact]
    public async Task Merge_OfACompletedRun_BecomesAModelOfTheHost()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.TrainAsync("tuned", steps: 3);
        Exports.ExportsClient exports = new(daemon.Channel);

        Export ended = await EndAsync(exports, await exports.StartMergeAsync(new StartMergeRequest { Run = "tuned" }));

        Assert.Equal(JobState.Completed, ended.State);
        ListModelsResponse models = await new Protocol.V1.Models.ModelsClient(daemon.Channel).ListModelsAsync(new ListModelsRequest());
        Model merged = models.Models.Single(model => model.Name == "tuned-step3");
        Assert.Equal(ModelOrigin.Merged, merged.Origin);
        Assert.Equal("llama", merged.Family);
    }

    [Fact]
    public async Task Merge_WhoseBaseWasRemoved_IsRefusedAndLeavesNothingUnderWay()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        ModelRegistry models = daemon.Services.GetRequiredService<ModelRegistry>();
        await models.RegisterAsync("base", ModelOrigin.Added, models.Get(ModelRegistry.EmbeddedName).Folder);
        await daemon.StartRunAsync(2, request => (request.Name, request.Model) = ("tuned", "base"));
        await daemon.WaitForAsync("tuned", RunState.Completed);
        await models.DeleteAsync("base");
        Exports.ExportsClient exports = new(daemon.Channel);
        foreach (int _ in Enumerable.Range(0, 2))
        {
            RpcException refused = await Assert.ThrowsAsync<RpcException>(() => exports.StartMergeAsync(new StartMergeRequest { Run = "tuned", ModelName = "merged", IdempotencyKey = "once" }).ResponseAsync);
            Assert.Equal(StatusCode.NotFound, refused.StatusCode);
        }
        Assert.Empty((await exports.ListExportsAsync(new ListExportsRequest())).Exports);
        Assert.True(models.IsFree("merged"));
    }

    [Fact]
    public async Task Merge_WhileItIsMade_KeepsItsName()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.TrainAsync("tuned");
        using SemaphoreSlim ready = new(0), goOn = new(0);
        daemon.Runner.BeforeEnd = () =>
        {
            ready.Release();
            goOn.Wait(TimeSpan.FromMinutes(1));
        };
        Exports.ExportsClient exports = new(daemon.Channel);
        Export started = await exports.StartMergeAsync(new StartMergeRequest { Run = "tuned", ModelName = "merged" });
        Assert.True(await ready.WaitAsync(TimeSpan.FromMinutes(1)));
        ConflictException kept = Assert.Throws<ConflictException>(() => daemon.Services.GetRequiredService<ModelRegistry>().Reserve("merged"));
        Assert.Contains("under way", kept.Message, StringComparison.Ordinal);
        goOn.Release();
        Assert.Equal(JobState.Completed, (await EndAsync(exports, started)).State);
        Assert.Throws<ConflictException>(() => daemon.Services.GetRequiredService<ModelRegistry>().Reserve("merged"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Merge_WhoseWorkerDiesAfterTheModelIsThere_KeepsTheModelAndSaysWhatIsMissing(bool check)
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.TrainAsync("tuned");
        daemon.Runner.BeforeEnd = () => throw new WorkerDiedException(exitCode: 9);
        Exports.ExportsClient exports = new(daemon.Channel);
        Export ended = await EndAsync(exports, await exports.StartMergeAsync(new StartMergeRequest { Run = "tuned", ModelName = "merged", Check = check }));
        Assert.Equal(JobState.Completed, ended.State);
        Assert.Equal(check, ended.Error.StartsWith("Merged, but not compared", StringComparison.Ordinal));
        Assert.Equal(check, ended.Error.Length > 0);
        Assert.Equal(ModelOrigin.Merged, daemon.Services.GetRequiredService<ModelRegistry>().Get("merged").Origin);
    }

    [Theory(DisplayName = "kill: a merged model whose end was not written down becomes a model of the host")]
    [InlineData(false, false)]
    [InlineData(true, false)] // As daemons did that wrote the two one after the other.
    [InlineData(false, true)]
    public async Task Start_WithAMergeThatTheLastDaemonFinished_CompletesItAndSaysWhatIsMissing(bool isRegistered, bool check)
    {
        using TemporaryFolder data = new();
        string folder;
        await using (TestDaemon daemon = await TestDaemon.StartAsync(data.Path))
        {
            folder = Path.Combine(daemon.Services.GetRequiredService<DataFolder>().Models, "merged");
            Directory.CreateDirectory(folder);
            await File.WriteAllBytesAsync(Path.Combine(folder, "model.safetensors"), new byte[7]);
            if (isRegistered) await daemon.Services.GetRequiredService<ModelRegistry>().RegisterAsync("merged", ModelOrigin.Merged, folder);
            await daemon.Services.GetRequiredService<JobStore<Export>>().InsertAsync("export", "", JobState.Running, "",
                new Export { Id = "export", State = JobState.Running, ModelName = "merged", Check = check, Created = Timestamp.FromDateTime(DateTime.UtcNow) });
        }
        await using TestDaemon again = await TestDaemon.StartAsync(data.Path);
        Export export = await new Exports.ExportsClient(again.Channel).GetExportAsync(new GetExportRequest { Id = "export" });
        Assert.Equal((JobState.Completed, folder, 7, check ? "Merged, but not compared: the daemon went down." : ""), (export.State, export.Folder, export.Bytes, export.Error));
        Assert.Equal(ModelOrigin.Merged, again.Services.GetRequiredService<ModelRegistry>().Get("merged").Origin);
    }

    [Fact(DisplayName = "idempotency: a model that is added under a merge's name while it is made is not touched")]
    public async Task ModelAdded_UnderTheNameOfAMerge_StaysAndTheMergeFails()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.TrainAsync("tuned");
        ModelRegistry models = daemon.Services.GetRequiredService<ModelRegistry>();
        daemon.Runner.BeforeEnd = () => models.RegisterAsync("merged", ModelOrigin.Added, "/somewhere/else").GetAwaiter().GetResult();
        Exports.ExportsClient exports = new(daemon.Channel);
        Export ended = await EndAsync(exports, await exports.StartMergeAsync(new StartMergeRequest { Run = "tuned", ModelName = "merged" }));

        Assert.Equal(JobState.Failed, ended.State);
        Assert.Contains("There is a model 'merged' already", ended.Error, StringComparison.Ordinal);
        Assert.Equal("/somewhere/else", models.Get("merged").Folder);
    }

    /// <returns>The export as it ended.</returns>
    private static async Task<Export> EndAsync(Exports.ExportsClient exports, Export export)
    {
        await foreach (Export now in exports.WatchExport(new WatchExportRequest { Id = export.Id }, deadline: DateTime.UtcNow.AddMinutes(1)).ResponseStream.ReadAllAsync()) export = now;
        return export;
    }
}
