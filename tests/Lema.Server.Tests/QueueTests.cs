using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Server.Jobs;
using Lema.Server.Runs;
using Lema.Server.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace Lema.Server.Tests;

/// <summary>Which run comes next, and what becomes of calls that come at the same moment.</summary>
public sealed class QueueTests
{
    [Fact(DisplayName = "queue: higher priority first, then who came first")]
    public async Task Queue_WithPriorities_StartsTheHighestAndAmongEqualsTheFirst()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        using SemaphoreSlim gate = daemon.Runner.Gate = new SemaphoreSlim(1);
        RunDetail running = await daemon.StartRunAsync(2, request => request.Name = "running");
        await daemon.WaitForAsync(running.Summary.Id, RunState.Running);
        foreach ((string name, int priority) in ((string, int)[])[("low", -1), ("first", 0), ("second", 0), ("high", 5)])
            await daemon.StartRunAsync(1, request => { request.Name = name; request.Priority = priority; });

        gate.Release(100);

        await daemon.WaitForAsync("low", RunState.Completed);
        ListRunsResponse runs = await daemon.Training.ListRunsAsync(new ListRunsRequest());
        Assert.Equal(["running", "high", "first", "second", "low"], runs.Runs.OrderBy(run => run.Started).Select(run => run.Name));
    }

    [Fact(DisplayName = "two runs at once: no third, and within the memory")]
    public async Task Queue_WithTwoAtATime_StartsTwoAndTheThirdAfterOneOfThem()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync(change: options => options with { MaxTrainingRuns = 2 });
        await daemon.AddDatasetAsync();
        MemoryLedger ledger = daemon.Services.GetRequiredService<MemoryLedger>();
        int most = 0;
        daemon.Runner.BeforeStep = _ => InterlockedMax(ref most, ledger.Reservations.Count);
        using SemaphoreSlim gate = daemon.Runner.Gate = new SemaphoreSlim(0);
        string[] names = ["one", "two", "three", "four"];
        foreach (string name in names) await daemon.StartRunAsync(3, request => request.Name = name);
        await UntilReservedAsync(ledger, 2);
        Assert.Equal(["run one", "run two"], ledger.Reservations.Select(held => held.Job).Order());
        foreach (string name in names[2..]) Assert.Equal(RunState.Queued, (await daemon.Training.GetRunAsync(new GetRunRequest { Run = name })).Summary.State);

        gate.Release(100);

        foreach (string name in names) await daemon.WaitForAsync(name, RunState.Completed);
        Assert.Equal(2, most);
        await UntilReservedAsync(ledger, 0);
    }

    [Fact(DisplayName = "two runs at once: one waits where there is memory for one")]
    public async Task Queue_WithMemoryForOne_StartsOneAtATimeThoughTwoAreAllowed()
    {
        long bytes;
        await using (TestDaemon measuring = await TestDaemon.StartAsync())
        {
            await measuring.AddDatasetAsync();
            RunDetail run = await measuring.StartRunAsync(3);
            bytes = measuring.Services.GetRequiredService<RunJobs>().MemoryOf(run);
            await measuring.WaitForAsync(run.Summary.Id, RunState.Completed);
        }
        await using TestDaemon daemon = await TestDaemon.StartAsync(change: options => options with { MaxTrainingRuns = 2, MemoryBytes = 2 * bytes - 1 });
        await daemon.AddDatasetAsync();
        MemoryLedger ledger = daemon.Services.GetRequiredService<MemoryLedger>();
        int most = 0;
        daemon.Runner.BeforeStep = _ => InterlockedMax(ref most, ledger.Reservations.Count);
        using SemaphoreSlim gate = daemon.Runner.Gate = new SemaphoreSlim(0);
        foreach (string name in (string[])["one", "two"]) await daemon.StartRunAsync(3, request => request.Name = name);
        await UntilReservedAsync(ledger, 1);
        Assert.Equal(RunState.Queued, (await daemon.Training.GetRunAsync(new GetRunRequest { Run = "two" })).Summary.State);

        gate.Release(100);

        foreach (string name in (string[])["one", "two"]) await daemon.WaitForAsync(name, RunState.Completed);
        Assert.Equal(1, most);
    }

    private static async Task UntilReservedAsync(MemoryLedger ledger, int count)
    {
        using CancellationTokenSource late = new(TimeSpan.FromMinutes(1));
        while (ledger.Reservations.Count != count) await Task.Delay(10, late.Token);
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (int seen = most; value > seen; seen = most)
            if (Interlocked.CompareExchange(ref most, value, seen) == seen) return;
    }

    [Fact]
    public async Task DeleteRun_WhileItIsAtWork_IsRefusedAndLaterNot()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        using SemaphoreSlim gate = daemon.Runner.Gate = new SemaphoreSlim(0);
        RunDetail run = await daemon.StartRunAsync(3, request => request.Name = "busy");

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => daemon.Training.DeleteRunAsync(new DeleteRunRequest { Run = "busy" }).ResponseAsync);

        Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
        gate.Release(10);
        await daemon.WaitForAsync(run.Summary.Id, RunState.Completed);
        await daemon.Training.DeleteRunAsync(new DeleteRunRequest { Run = "busy" });
        Assert.Empty((await daemon.Training.ListRunsAsync(new ListRunsRequest())).Runs);
    }

    [Fact(DisplayName = "idempotency keys: merges and evaluations")]
    public async Task StartMergeAndEvaluation_ManyTimesAtOnceWithOneKey_GiveOneEach()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        RunDetail run = await daemon.StartRunAsync(2, request => request.Name = "tuned");
        await daemon.WaitForAsync(run.Summary.Id, RunState.Completed);
        Exports.ExportsClient exports = new(daemon.Channel);
        Evaluation.EvaluationClient evaluations = new(daemon.Channel);

        Export[] merges = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => exports.StartMergeAsync(new StartMergeRequest { Run = "tuned", IdempotencyKey = "once" }).ResponseAsync));
        EvaluationJob[] evaluated = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => evaluations.StartEvaluationAsync(new StartEvaluationRequest
        {
            Target = new ModelReference { Model = "lema-tiny" }, Dataset = "rows-heldout", IdempotencyKey = "once",
        }).ResponseAsync));

        Assert.Single(merges.Select(merge => merge.Id).Distinct());
        Assert.Single(evaluated.Select(evaluation => evaluation.Id).Distinct());
        await foreach (Export _ in exports.WatchExport(new WatchExportRequest { Id = merges[0].Id }).ResponseStream.ReadAllAsync()) { }
        await foreach (WatchEvaluationResponse _ in evaluations.WatchEvaluation(new WatchEvaluationRequest { Id = evaluated[0].Id }).ResponseStream.ReadAllAsync()) { }
    }

    [Fact]
    public async Task StartMerge_ManyTimesAtOnceIntoOneName_GoesAheadOnce()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        RunDetail run = await daemon.StartRunAsync(2, request => request.Name = "tuned");
        await daemon.WaitForAsync(run.Summary.Id, RunState.Completed);
        Exports.ExportsClient exports = new(daemon.Channel);

        Export?[] merges = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            try
            {
                return await exports.StartMergeAsync(new StartMergeRequest { Run = "tuned", ModelName = "merged" });
            }
            catch (RpcException taken) when (taken.StatusCode == StatusCode.FailedPrecondition)
            {
                return null;
            }
        }));

        Export one = Assert.Single(merges, merge => merge is not null)!;
        Export last = one;
        await foreach (Export export in exports.WatchExport(new WatchExportRequest { Id = one.Id }).ResponseStream.ReadAllAsync()) last = export;
        Assert.Equal(JobState.Completed, last.State);
    }
}
