using Dapper;
using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Server.Errors;
using Lema.Server.Jobs;
using Lema.Server.Runs;
using Lema.Server.Storage;
using Lema.Server.Tests.Fakes;
using Lema.Testing;
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

    [Fact(DisplayName = "queue: the checkpoint that a user chose stands when the daemon queues the run in the same moment")]
    public async Task Queue_ByTheDaemonAfterAUser_LeavesTheChosenCheckpoint()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        string run = (await daemon.StartRunAsync(1)).Summary.Id;
        await daemon.WaitForAsync(run, RunState.Completed);
        RunStore store = daemon.Services.GetRequiredService<RunStore>();
        RunSession session = daemon.Services.GetRequiredService<RunDirectory>().Get(run);
        await store.Database.WriteAsync((connection, transaction) => RunStore.BeginAnew(connection, transaction, run, resumeStep: 1));

        RunQueue queue = daemon.Services.GetRequiredService<RunQueue>();
        await Assert.ThrowsAsync<ConflictException>(() => queue.AddAsync(session, RunState.Interrupted, ""));
        await Assert.ThrowsAsync<ConflictException>(() => queue.ResumeAsync(session, RunState.Interrupted, resumeStep: 7));
        Assert.Equal(1, queue.ResumeStep(run));
    }

    [Fact(DisplayName = "resume: the checkpoint that a user chose outlasts a daemon that went down before the first step from it")]
    public async Task Resume_FromAChosenCheckpointAndARestart_GoesOnFromIt()
    {
        using TemporaryFolder folder = new();
        FakeJobRunner runner = new();
        string run;
        await using (TestDaemon daemon = await TestDaemon.StartAsync(folder.Path, runner))
        {
            await daemon.AddDatasetAsync();
            using SemaphoreSlim gate = runner.Gate = new SemaphoreSlim(5);
            run = (await daemon.StartRunAsync(8, request => request.Settings.Checkpoint = new CheckpointSettings { EverySteps = 1, KeepLast = 9 })).Summary.Id;
            await daemon.UntilStepAsync(run, 5);
            await daemon.Training.PauseRunAsync(new PauseRunRequest { Run = run });
            await daemon.WaitForAsync(run, RunState.Paused);
            await daemon.Training.ResumeRunAsync(new ResumeRunRequest { Run = run, CheckpointStep = 2 });
            await daemon.WaitForAsync(run, RunState.Preparing);
            await daemon.StopAsync();
        }
        List<long> steps = [];
        (runner.Gate, runner.BeforeStep) = (null, steps.Add);
        await using TestDaemon again = await TestDaemon.StartAsync(folder.Path, runner);
        await again.WaitForAsync(run, RunState.Completed);
        Assert.Equal([3, 4, 5, 6, 7, 8], steps);
    }

    [Fact(DisplayName = "prune: a run that another process removed leaves the lists that are watched")]
    public async Task WatchRuns_WhenAnotherProcessRemovesARun_TellsSo()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        string run = (await daemon.StartRunAsync(1)).Summary.Id;
        await daemon.WaitForAsync(run, RunState.Completed);
        using AsyncServerStreamingCall<WatchRunsResponse> watch = daemon.Training.WatchRuns(new WatchRunsRequest(), deadline: DateTime.UtcNow.AddMinutes(1));
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(run, Assert.Single(watch.ResponseStream.Current.Snapshot.Runs).Id);

        Assert.True(await daemon.Services.GetRequiredService<RunStore>().DeleteAsync(run, RunStates.Resting));
        do Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        while (watch.ResponseStream.Current.Changed is not { Removed: [_] } changed || changed.Removed[0] != run);
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

    [Fact(DisplayName = "what a run that is not over needs stays: its rows and the held-out ones")]
    public async Task Delete_OfWhatAPausedRunNeeds_IsRefusedUntilItIsOver()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        using SemaphoreSlim gate = daemon.Runner.Gate = new SemaphoreSlim(1);
        await daemon.StartRunAsync(5, request => request.Name = "second");
        await daemon.UntilStepAsync("second", 1);
        await daemon.Training.PauseRunAsync(new PauseRunRequest { Run = "second" });
        await daemon.WaitForAsync("second", RunState.Paused);
        Protocol.V1.Datasets.DatasetsClient datasets = new(daemon.Channel);

        foreach (Func<Task> call in (Func<Task>[])
        [
            () => datasets.DeleteDatasetAsync(new DeleteDatasetRequest { Name = "rows-heldout" }).ResponseAsync,
            () => datasets.BuildDatasetAsync(new BuildDatasetRequest { Name = "rows", Rows = 20, HeldoutRows = 10, Overwrite = true }).ResponseAsync,
            () => datasets.DeleteDatasetAsync(new DeleteDatasetRequest { Name = "rows" }).ResponseAsync,
        ])
        {
            RpcException refused = await Assert.ThrowsAsync<RpcException>(call);
            Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
            Assert.Contains("second", refused.Status.Detail, StringComparison.Ordinal);
        }

        gate.Release(10);
        await daemon.Training.ResumeRunAsync(new ResumeRunRequest { Run = "second" });
        await daemon.WaitForAsync("second", RunState.Completed);
        await datasets.DeleteDatasetAsync(new DeleteDatasetRequest { Name = "rows-heldout" });
        // What is left can be trained on.
        Assert.Equal("", (await daemon.StartRunAsync(5, request => request.Name = "third")).EvaluationDataset);
        await daemon.WaitForAsync("third", RunState.Completed);
    }

    [Fact(DisplayName = "two calls at one moment: a run is started on rows that are being deleted")]
    public async Task StartRun_WhileItsRowsAreBeingDeleted_IsRefused()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        Task<RunDetail> starting = await daemon.Services.GetRequiredService<RunUses>().AloneAsync(async () =>
        {
            Task<RunDetail> call = daemon.StartRunAsync(5);
            // Long enough for the request to have been checked, and to wait here.
            await Task.WhenAny(call, Task.Delay(500));
            await daemon.Services.GetRequiredService<RunDatabase>().WriteAsync((connection, transaction) => connection.Execute("DELETE FROM datasets", transaction: transaction));
            return call;
        });
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(() => starting)).StatusCode);
        Assert.Empty((await daemon.Training.ListRunsAsync(new ListRunsRequest())).Runs);
    }

    [Fact(DisplayName = "what a run that is not over needs stays: the run that it starts from")]
    public async Task DeleteRun_ThatAnotherStartsFrom_IsRefused()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.TrainAsync("first");
        RunDetail next = (await daemon.Training.GetRunAsync(new GetRunRequest { Run = "first" })).Clone();
        (next.Summary.Id, next.Summary.Name, next.Summary.State, next.Settings.InitAdapter) = ("next", "second", RunState.Paused, "run/first");
        RunDatabase database = daemon.Services.GetRequiredService<RunStore>().Database;
        await database.WriteAsync((connection, transaction) => RunStore.Insert(connection, transaction, next, null));

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => daemon.Training.DeleteRunAsync(new DeleteRunRequest { Run = "first" }).ResponseAsync);

        Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
        Assert.Contains("second", refused.Status.Detail, StringComparison.Ordinal);
        await database.WriteAsync((connection, transaction) => { RunStore.Update(connection, transaction, Stopped(next)); return 0; });
        await daemon.Training.DeleteRunAsync(new DeleteRunRequest { Run = "first" });
    }

    private static RunDetail Stopped(RunDetail run)
    {
        RunDetail copy = run.Clone();
        copy.Summary.State = RunState.Stopped;
        return copy;
    }

    [Fact(DisplayName = "two calls at one moment: of datasets under one name one is added, and the others are refused")]
    public async Task UploadDataset_ManyTimesAtOnceUnderOneName_AddsOne()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();

        Dataset?[] added = await Task.WhenAll(Enumerable.Range(0, 8).Select(async number =>
        {
            try
            {
                return await daemon.UploadDatasetAsync("rows", $"{{\"text\":\"{number}\"}}\n");
            }
            catch (RpcException taken) when (taken.StatusCode == StatusCode.FailedPrecondition)
            {
                return null;
            }
        }));

        Dataset one = Assert.Single(added, dataset => dataset is not null)!;
        Assert.Equal(one.Sha256, Assert.Single((await new Protocol.V1.Datasets.DatasetsClient(daemon.Channel).ListDatasetsAsync(new ListDatasetsRequest())).Datasets).Sha256);
        Assert.Single(Directory.GetFiles(Path.Combine(daemon.Folder, "datasets")));
    }

    [Fact(DisplayName = "idempotency keys: merges and evaluations")]
    public async Task StartMergeAndEvaluation_ManyTimesAtOnceWithOneKey_GiveOneEach()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.TrainAsync("tuned");
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
        await daemon.TrainAsync("tuned");
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
