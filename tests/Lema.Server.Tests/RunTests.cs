using Grpc.Core;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Server.Tests.Fakes;
using Lema.Testing;

namespace Lema.Server.Tests;

public sealed class RunTests
{
    [Fact]
    public async Task StartRun_OnAFreeMachine_CompletesWithEveryStepAndCheckpoints()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();

        RunDetail started = await daemon.StartRunAsync(12);
        await daemon.WaitForAsync(started.Summary.Id, RunState.Completed);

        RunDetail run = await daemon.Training.GetRunAsync(new GetRunRequest { Run = started.Summary.Name });
        Assert.Equal(12, run.Summary.Step);
        Assert.Equal(FakeJobRunner.LossOf(12), run.Summary.LastLoss);
        Assert.Equal([5L, 10L, 12L], run.Checkpoints.Select(c => c.Step));
        Assert.Equal(1, run.Attempts);
        Assert.Equal("rows-heldout", run.EvaluationDataset);
        GetMetricsResponse metrics = await daemon.Training.GetMetricsAsync(new GetMetricsRequest { Run = run.Summary.Id, Series = { "loss" } });
        Assert.Equal(Enumerable.Range(1, 12).Select(s => FakeJobRunner.LossOf(s)), metrics.Series.Single().Values);
    }

    [Fact]
    public async Task WatchRun_FromTheBeginningAndInParts_CoversEveryNumberOnce()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        using SemaphoreSlim gate = daemon.Runner.Gate = new SemaphoreSlim(0);
        RunDetail run = await daemon.StartRunAsync(40);
        gate.Release(10);

        List<SequenceRange> ranges = [];
        List<long> steps = [];
        using CancellationTokenSource late = new(TimeSpan.FromSeconds(60));
        ulong cursor = 0;
        // Leaves after each message and comes back with the last number.
        while (steps.Count < 40)
        {
            using AsyncServerStreamingCall<WatchRunResponse> call = daemon.Training.WatchRun(new WatchRunRequest { Run = run.Summary.Id, AfterSequence = cursor }, cancellationToken: late.Token);
            Assert.True(await call.ResponseStream.MoveNext(late.Token));
            foreach (RunEvent change in call.ResponseStream.Current.Events.Events)
            {
                ranges.Add(change.Sequence);
                if (change.BodyCase == RunEvent.BodyOneofCase.Steps)
                {
                    Assert.Equal((int)(change.Sequence.Last - change.Sequence.First) + 1, change.Steps.Points.Count);
                    steps.AddRange(change.Steps.Points.Select(p => p.Step));
                }
                cursor = change.Sequence.Last;
            }
            if (gate.CurrentCount == 0) gate.Release(10);
        }

        Assert.Equal(Enumerable.Range(1, 40).Select(s => (long)s), steps);
        Assert.Equal(1UL, ranges[0].First);
        foreach ((SequenceRange before, SequenceRange after) in ranges.Zip(ranges.Skip(1))) Assert.Equal(before.Last + 1, after.First);
    }

    [Fact]
    public async Task Ledger_OfEachStep_IsInTheEventsTheTotalsAndTheCurveAlsoAfterARestart()
    {
        string folder = Directory.CreateTempSubdirectory("lema-ledger-").FullName;
        string run;
        await using (TestDaemon first = await TestDaemon.StartAsync(folder))
        {
            await first.AddDatasetAsync();
            run = (await first.StartRunAsync(7)).Summary.Id;
            await first.WaitForAsync(run, RunState.Completed);
        }
        await using (TestDaemon daemon = await TestDaemon.StartAsync(folder))
        {
            List<StepPoint> points = [];
            await foreach (WatchRunResponse message in daemon.Training.WatchRun(new WatchRunRequest { Run = run, AfterSequence = 0 }).ResponseStream.ReadAllAsync())
                points.AddRange(message.Events.Events.SelectMany(change => change.Steps?.Points ?? []));
            Assert.Equal(Enumerable.Range(1, 7).Select(step => (FakeJobRunner.LedgerOf(step), 2 * FakeJobRunner.LedgerOf(step))), points.Select(point => (point.LedgerBytes, point.LedgerPeakBytes)));
            Assert.Equal(2 * FakeJobRunner.LedgerOf(7), (await daemon.Training.GetRunAsync(new GetRunRequest { Run = run })).Totals.LedgerPeakBytes);
            GetMetricsResponse metrics = await daemon.Training.GetMetricsAsync(new GetMetricsRequest { Run = run, Series = { "ledger_peak_bytes" } });
            Assert.Equal(Enumerable.Range(1, 7).Select(step => 2.0 * FakeJobRunner.LedgerOf(step)), metrics.Series.Single().Values);
        }
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task WatchRun_AfterANumberThatIsNotThere_AnswersWithASnapshotAndOutOfRange()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        RunDetail run = await daemon.StartRunAsync(3);
        await daemon.WaitForAsync(run.Summary.Id, RunState.Completed);

        using AsyncServerStreamingCall<WatchRunResponse> call = daemon.Training.WatchRun(new WatchRunRequest { Run = run.Summary.Id, AfterSequence = 9_999 });
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(WatchRunResponse.KindOneofCase.Snapshot, call.ResponseStream.Current.KindCase);
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(StatusCode.OutOfRange, refused.StatusCode);
    }

    [Fact]
    public async Task PauseAndResume_OfARunningRun_GoesOnFromItsCheckpoint()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        using SemaphoreSlim gate = daemon.Runner.Gate = new SemaphoreSlim(7);
        RunDetail run = await daemon.StartRunAsync(20);
        await daemon.WaitForAsync(run.Summary.Id, RunState.Running);

        await daemon.Training.PauseRunAsync(new PauseRunRequest { Run = run.Summary.Id });
        RunSummary paused = await daemon.WaitForAsync(run.Summary.Id, RunState.Paused);
        Assert.True(paused.Step is >= 1 and <= 7);
        gate.Release(100);
        await daemon.Training.ResumeRunAsync(new ResumeRunRequest { Run = run.Summary.Id });
        await daemon.WaitForAsync(run.Summary.Id, RunState.Completed);

        GetMetricsResponse metrics = await daemon.Training.GetMetricsAsync(new GetMetricsRequest { Run = run.Summary.Id, Series = { "loss" } });
        Assert.Equal(Enumerable.Range(1, 20).Select(s => (long)s), metrics.Series.Single().Steps);
    }

    [Fact]
    public async Task StopRun_OfARunningRun_EndsItWithACheckpointOfTheLastStep()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        daemon.Runner.Gate = new SemaphoreSlim(3);
        RunDetail run = await daemon.StartRunAsync(20);
        await daemon.WaitForAsync(run.Summary.Id, RunState.Running);

        await daemon.Training.StopRunAsync(new StopRunRequest { Run = run.Summary.Id });
        RunSummary stopped = await daemon.WaitForAsync(run.Summary.Id, RunState.Stopped);

        RunDetail detail = await daemon.Training.GetRunAsync(new GetRunRequest { Run = run.Summary.Id });
        Assert.Equal(stopped.Step, detail.Checkpoints[^1].Step);
    }

    [Fact]
    public async Task StartRun_TwiceWithOneIdempotencyKey_GivesOneRun()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();

        RunDetail[] runs = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => daemon.StartRunAsync(2, request => request.IdempotencyKey = "once")));

        Assert.Single(runs.Select(run => run.Summary.Id).Distinct());
        Assert.Single((await daemon.Training.ListRunsAsync(new ListRunsRequest())).Runs);
    }

    [Fact]
    public async Task StartRun_WithSeveralProblems_NamesThemAll()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => daemon.StartRunAsync(0, request =>
        {
            request.Name = "../x";
            request.Settings.LearningRate = double.NaN;
            request.Settings.Lora = new LoraSettings { R = 0 };
        }));

        Failure failure = Failure.From(refused);
        Assert.Equal(FailureKind.InvalidInput, failure.Kind);
        Assert.Equal(["learningRate", "lora.r", "name", "steps"], failure.Problems.Select(p => p.Field).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task CheckRun_WithMissingNamesAndWrongSettings_NamesThemAllAndStartsNothing()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        StartRunRequest request = new()
        {
            Model = "lema-tiny", Dataset = "nothing", EvaluationDataset = "nowhere",
            Settings = new RunSettings { Steps = 10, WarmupSteps = 50, InitAdapter = "none", Lora = new LoraSettings { TargetModules = { "x_proj" } } },
        };

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => daemon.Training.CheckRunAsync(request).ResponseAsync);

        Assert.Equal(
            ["dataset", "evaluationDataset", "initAdapter", "lora.targetModules", "warmupSteps"], Failure.From(refused).Problems.Select(p => p.Field).Order(StringComparer.Ordinal));
        Assert.Empty((await daemon.Training.ListRunsAsync(new ListRunsRequest())).Runs);
    }

    [Fact]
    public async Task CheckRun_NothingIsWrong_IsTheRunWithItsDefaultsAndStartsNothing()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();

        RunDetail run = await daemon.Training.CheckRunAsync(new StartRunRequest { Model = "lema-tiny", Dataset = "rows", Settings = new RunSettings { Steps = 3 } });

        Assert.Equal(("rows-heldout", 16), (run.EvaluationDataset, run.Settings.Lora.R));
        Assert.Empty((await daemon.Training.ListRunsAsync(new ListRunsRequest())).Runs);
    }

    [Fact]
    public async Task CheckRun_OnlyTheModelIsMissing_IsNotFound()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => daemon.Training.CheckRunAsync(new StartRunRequest { Model = "nothing", Dataset = "rows", Settings = new RunSettings { Steps = 3 } }).ResponseAsync);

        Assert.Equal(FailureKind.NotFound, Failure.From(refused).Kind);
    }

    [Fact]
    public async Task Daemon_StoppedDuringARun_TakesItUpAtTheNextStart()
    {
        string folder = Directory.CreateTempSubdirectory("lema-test-").FullName;
        string id;
        await using (TestDaemon first = await TestDaemon.StartAsync(folder))
        {
            await first.AddDatasetAsync();
            first.Runner.Gate = new SemaphoreSlim(7);
            id = (await first.StartRunAsync(20)).Summary.Id;
            await first.WaitForAsync(id, RunState.Running);
        }

        await using (TestDaemon second = await TestDaemon.StartAsync(folder))
        {
            await second.WaitForAsync(id, RunState.Completed);
            RunDetail run = await second.Training.GetRunAsync(new GetRunRequest { Run = id });
            Assert.Equal(2, run.Attempts);
            Assert.Equal(20, run.Summary.Step);
        }
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Run_WhoseWorkerAlwaysDies_IsLeftAloneAfterThreeAttempts()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        daemon.Runner.BeforeStep = _ => throw new Workers.WorkerDiedException(139);

        RunDetail run = await daemon.StartRunAsync(5);
        using CancellationTokenSource late = new(TimeSpan.FromSeconds(60));
        await foreach (StreamUpdate<WatchRunResponse> update in RunWatch.FollowAsync(daemon.Training, new WatchRunRequest { Run = run.Summary.Id }, late.Token))
            if (update is StreamUpdate<WatchRunResponse>.Message { Value.Events: { } events } && events.Events.Any(e => e.Log?.Text.Contains("not tried again", StringComparison.Ordinal) == true)) break;

        RunDetail left = await daemon.Training.GetRunAsync(new GetRunRequest { Run = run.Summary.Id });
        Assert.Equal(RunState.Interrupted, left.Summary.State);
        Assert.Equal(3, left.Attempts);
        Assert.Contains("signal 11", left.Summary.Reason, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "resume: a run that is not to be is left alone when its worker dies, and by the next daemon")]
    public async Task Run_WithoutAutoResume_StaysInterrupted()
    {
        using TemporaryFolder folder = new();
        FakeJobRunner runner = new() { BeforeStep = step => { if (step == 3) throw new Workers.WorkerDiedException(139); } };
        string run;
        await using (TestDaemon daemon = await TestDaemon.StartAsync(folder.Path, runner))
        {
            await daemon.AddDatasetAsync();
            run = (await daemon.StartRunAsync(5, request => request.Settings.AutoResume = false)).Summary.Id;
            await daemon.WaitForAsync(run, RunState.Interrupted);
        }
        await using TestDaemon again = await TestDaemon.StartAsync(folder.Path);
        await again.WaitForAsync((await again.StartRunAsync(1, request => request.Name = "other")).Summary.Id, RunState.Completed);
        RunDetail left = await again.Training.GetRunAsync(new GetRunRequest { Run = run });
        Assert.Equal((RunState.Interrupted, 1), (left.Summary.State, left.Attempts));
    }
}
