using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Server.Tests.Fakes;

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
