using System.Globalization;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Server.Tests.Fakes;
using Lema.Testing;

namespace Lema.Server.Tests;

/// <summary>What a worker process holds while a run goes on for hundreds of steps.</summary>
public sealed class WorkerMemoryTests
{
    private const int Steps = 500, Window = 50;
    private const long GrowthBytes = 8_000_000;

    /// <summary>The most that is seen in steps 50 to 100 against the most in steps 450 to 500; rows of all lengths, so that nearly every product has a shape of its own.</summary>
    [Fact]
    public async Task Worker_OfFiveHundredSteps_HoldsNoMoreAtTheEndThanAfterFifty()
    {
        Assert.SkipUnless(LongTests.AreAskedFor, LongTests.SkipMessage);
        await using TestDaemon daemon = await TestDaemon.StartAsync(realWorkers: true);
        await new Protocol.V1.Datasets.DatasetsClient(daemon.Channel).BuildDatasetAsync(new BuildDatasetRequest { Name = "rows", Rows = 2000, HeldoutRows = 10, Seed = 7 });
        RunDetail run = await daemon.StartRunAsync(Steps, request => request.Settings = new RunSettings
        {
            Steps = Steps, MicroBatchSize = 2, MaxLength = 96, Lora = new LoraSettings { R = 8 }, Checkpoint = new CheckpointSettings { EverySteps = 0 },
        });

        long early = 0, late = 0;
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(30)); // Alone it takes two minutes; beside the other long tests, many.
        await foreach (StreamUpdate<WatchRunResponse> update in RunWatch.FollowAsync(daemon.Training, new WatchRunRequest { Run = run.Summary.Id, ProgressIntervalSeconds = 0.05 }, limit.Token))
        {
            if (update is not StreamUpdate<WatchRunResponse>.Message { Value.Events.Run: { } now } || now.State != RunState.Running) continue;
            if (now.Step is >= Window and < 2 * Window) early = Math.Max(early, ResidentBytes(daemon.Folder));
            if (now.Step is >= Steps - Window and < Steps) late = Math.Max(late, ResidentBytes(daemon.Folder));
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{early / 1e6:F1} MB after step {Window}, {late / 1e6:F1} MB before step {Steps}");
        Assert.True(early > 0 && late > 0, "no step of one of the two windows was seen");
        Assert.InRange(late - early, -early, GrowthBytes);
    }

    private static long ResidentBytes(string dataFolder)
    {
        string note = File.ReadAllText(Directory.EnumerateFiles(Path.Combine(dataFolder, "workers"), "*.pid").Single());
        string line = File.ReadLines($"/proc/{note.Split(' ')[0]}/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) * 1024;
    }
}
