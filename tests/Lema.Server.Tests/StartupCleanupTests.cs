using Google.Protobuf.WellKnownTypes;
using Lema.Protocol.V1;
using Lema.Server.Jobs;
using Lema.Server.Models;
using Lema.Server.Tests.Fakes;
using Lema.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Lema.Server.Tests;

public sealed class StartupCleanupTests
{
    [Fact(DisplayName = "kill: a start removes what is half-made and what nothing refers to, and no more")]
    public async Task Start_AfterAKill_RemovesWhatNothingRefersTo()
    {
        using TemporaryFolder folder = new();
        string run;
        await using (TestDaemon daemon = await TestDaemon.StartAsync(folder.Path))
        {
            run = (await daemon.TrainAsync("tuned")).Summary.Id;
            await daemon.Services.GetRequiredService<ModelRegistry>().RegisterAsync("mine", ModelOrigin.Uploaded, Path.Combine(folder.Path, "models", "mine"));
            await daemon.Services.GetRequiredService<JobStore<Export>>().InsertAsync("export", "", JobState.Running, "",
                new Export { Id = "export", State = JobState.Running, ModelName = "merged", Created = Timestamp.FromDateTime(DateTime.UtcNow) });
        }
        string[] kept = ["models/mine/w", "models/merged/w", "prepared/mine/w", "prepared/lema-tiny/w", $"runs/{run}/w", "adapters/any/w", $"uploads/{new string('a', 32)}/request"];
        string[] removed = ["models/.partial-x/w", "models/unknown/w", "prepared/unknown/w", "runs/unknown/w", "datasets/unknown.jsonl", "datasets/.upload", "uploads/.removed-x/w", "uploads/begun/files/w", "uploads/damaged/request", "adapters/.partial-y/w"];
        foreach (string path in kept.Concat(removed))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(folder.File(path))!);
            File.WriteAllText(folder.File(path), "");
        }
        File.WriteAllBytes(folder.File("uploads/damaged/request"), [0xFF]);
        string[] datasets = [.. Directory.GetFiles(folder.File("datasets")).Where(file => !removed.Contains("datasets/" + Path.GetFileName(file)))];

        await using (TestDaemon daemon = await TestDaemon.StartAsync(folder.Path))
            Assert.Equal(ModelOrigin.Merged, daemon.Services.GetRequiredService<ModelRegistry>().Get("merged").Origin);

        Assert.All(kept, path => Assert.True(File.Exists(folder.File(path)), path));
        Assert.All(removed, path => Assert.False(File.Exists(folder.File(path)), path));
        Assert.Equal(datasets.Order(), Directory.GetFiles(folder.File("datasets")).Order());
        Assert.NotEmpty(datasets);
    }
}
