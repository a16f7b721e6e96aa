using Lema.Protocol.V1;
using Lema.Web.Feeds;
using Lema.Web.Tests.Fakes;
using Lema.Web.ViewModels;

namespace Lema.Web.Tests.Feeds;

public sealed class RunFeedTests
{
    [Fact]
    public async Task Apply_SnapshotThenEvents_CurveHasEveryStepOnce()
    {
        FakeRun run = new("1", "one", 10);
        RunFeed feed = new(new Training.TrainingClient(new NoCalls()), "1");
        for (int i = 0; i < 3; i++) run.Step(1.0 / (i + 1));
        feed.Apply(await FirstAsync(run, new WatchRunRequest()));
        ulong seen = feed.Sequence;
        for (int i = 3; i < 5; i++) run.Step(1.0 / (i + 1));
        WatchRunResponse news = await FirstAsync(run, new WatchRunRequest { AfterSequence = seen });
        feed.Apply(news);

        Assert.Equal([1L, 2, 3, 4, 5], Steps(feed));
        Assert.Equal(0UL, feed.MissedEvents);
        Assert.Equal(1.0, feed.Curves[SeriesNames.Loss].Last!.Value.Seconds, 6);
    }

    [Fact]
    public void Apply_RunGoesOnFromACheckpoint_LaterStepsAreReplaced()
    {
        RunFeed feed = new(new Training.TrainingClient(new NoCalls()), "1");
        feed.Apply(new WatchRunResponse { Snapshot = new RunSnapshot { Run = new RunDetail { Summary = new RunSummary() } } });
        feed.Apply(Steps(1, (1, 4.0), (2, 3.0), (3, 2.0)));
        feed.Apply(Steps(4, (2, 3.5), (3, 2.5)));

        CurvePoint[] points = feed.Curves[SeriesNames.Loss].ReadFrom(CurvePosition.Start).Points;
        Assert.Equal([(1L, 4.0), (2, 3.5), (3, 2.5)], points.Select(point => (point.Step, point.Value)));
        Assert.Equal([1.0, 2, 3], points.Select(point => point.Seconds));
    }

    [Fact]
    public void Apply_HoleBetweenEvents_IsCounted()
    {
        RunFeed feed = new(new Training.TrainingClient(new NoCalls()), "1");
        feed.Apply(new WatchRunResponse { Snapshot = new RunSnapshot { Run = new RunDetail { Summary = new RunSummary() }, Sequence = 7 } });
        feed.Apply(Steps(10, (1, 4.0)));
        Assert.Equal(2UL, feed.MissedEvents);
    }

    [Fact]
    public void Apply_CheckpointsAddedAndRemoved_ListFollows()
    {
        RunFeed feed = new(new Training.TrainingClient(new NoCalls()), "1");
        feed.Apply(new WatchRunResponse { Snapshot = new RunSnapshot { Run = new RunDetail { Summary = new RunSummary() } } });
        feed.Apply(One(1, new RunEvent { Checkpoint = new Checkpoint { Step = 50, Best = true } }));
        feed.Apply(One(2, new RunEvent { Checkpoint = new Checkpoint { Step = 100, Best = true } }));
        Assert.Equal([(50L, false), (100L, true)], feed.Detail!.Checkpoints.Select(one => (one.Step, one.Best)));
        feed.Apply(One(3, new RunEvent { CheckpointsRemoved = new CheckpointsRemoved { Steps = { 50 } } }));
        Assert.Equal([100L], feed.Detail!.Checkpoints.Select(one => one.Step));
    }

    private static WatchRunResponse Steps(ulong first, params (long Step, double Loss)[] steps) => One(first, new RunEvent
    {
        Steps = new StepProgress { Points = { steps.Select(one => new StepPoint { Step = one.Step, Loss = one.Loss, Seconds = 1, Tokens = 10 }) } },
    }, first + (ulong)steps.Length - 1);

    private static WatchRunResponse One(ulong first, RunEvent body, ulong? last = null)
    {
        body.Sequence = new SequenceRange { First = first, Last = last ?? first };
        return new WatchRunResponse { Events = new RunEvents { Events = { body }, Run = new RunSummary() } };
    }

    private static long[] Steps(RunFeed feed) => [.. feed.Curves[SeriesNames.Loss].ReadFrom(CurvePosition.Start).Points.Select(point => point.Step)];

    private static async Task<WatchRunResponse> FirstAsync(FakeRun run, WatchRunRequest request)
    {
        await foreach (WatchRunResponse response in run.WatchAsync(request, TestContext.Current.CancellationToken)) return response;
        throw new InvalidOperationException("the watch gave nothing");
    }
}
