using Google.Protobuf.WellKnownTypes;
using Lema.Protocol.V1;
using Lema.Server.Runs;
using Microsoft.Extensions.Time.Testing;

namespace Lema.Server.Tests;

public sealed class RunDeltaTests
{
    [Fact]
    public void DeltaAfter_WatchersAtOnePlace_ShareAMessageUntilTheNextEvent()
    {
        RunSession session = Session();
        Assert.Null(session.DeltaAfter(0));

        Publish(session, Step(1), Step(2));
        RunEvents first = session.DeltaAfter(0)!;
        Assert.Same(first, session.DeltaAfter(0));
        Assert.Equal((1UL, 2UL), (first.Events.Single().Sequence.First, first.Events.Single().Sequence.Last));
        Assert.Equal([2], session.DeltaAfter(1)!.Events.Single().Steps.Points.Select(point => point.Step));

        Publish(session, Step(3));
        Assert.Equal([1, 2, 3], session.DeltaAfter(0)!.Events.Single().Steps.Points.Select(point => point.Step));
        Assert.Equal(2, first.Events.Single().Steps.Points.Count);
        Assert.Equal(2UL, first.Run.Sequence);
        Assert.Null(session.DeltaAfter(3));
    }

    [Fact]
    public void DeltaAfter_FarBehindTheNewest_IsNotKept()
    {
        RunSession session = Session();
        Publish(session, [.. Enumerable.Range(1, 20).Select(i => Step(i))]);

        Assert.NotSame(session.DeltaAfter(3), session.DeltaAfter(3));
        Assert.Same(session.DeltaAfter(4), session.DeltaAfter(4));
    }

    [Fact]
    public void Of_MoreThanAMessageHolds_TakesTheFirstOfThem()
    {
        RunEvent[] events = [.. Enumerable.Range(1, 5).Select(i => Numbered(new RunEvent { Log = new LogLine { Text = new string('x', 400_000) } }, (ulong)i))];

        Assert.Equal([1UL, 2UL], RunDelta.Of(new RunSummary(), events).Events.Select(e => e.Sequence.Last));
        Assert.Single(RunDelta.Of(new RunSummary(), [Numbered(new RunEvent { Log = new LogLine { Text = new string('x', 4_000_000) } }, 1)]).Events);
    }

    [Fact]
    public void CanWait_ProgressThatIsAllThereIs_NothingElse()
    {
        RunSummary run = new() { Sequence = 2 };
        RunEvent first = Numbered(Step(1), 1), second = Numbered(Step(2), 2), ended = Numbered(new RunEvent { State = new StateChange() }, 2);

        Assert.True(RunDelta.CanWait(RunDelta.Of(run, [first, second])));
        Assert.False(RunDelta.CanWait(RunDelta.Of(run, [first])));
        Assert.False(RunDelta.CanWait(RunDelta.Of(run, [first, ended])));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.25)]
    [InlineData(0.99)]
    public void UntilNext_Beats_LieAnIntervalApartAtThePhase(double phase)
    {
        FakeTimeProvider clock = new();
        TimeSpan interval = TimeSpan.FromSeconds(4);
        Rhythm one = new(interval, phase, clock);
        Assert.Equal(TimeSpan.Zero, one.UntilNext());
        one.Sent();
        clock.Advance(one.UntilNext());
        Assert.Equal(interval, one.UntilNext());

        clock.Advance(TimeSpan.FromSeconds(1));
        Rhythm another = new(interval, phase, clock);
        another.Sent();
        Assert.Equal(TimeSpan.FromSeconds(3), one.UntilNext());
        Assert.Equal(one.UntilNext(), another.UntilNext());
    }

    private static RunSession Session() => new(new RunDetail { Summary = new RunSummary { Id = "run" } }, null!);

    private static void Publish(RunSession session, params RunEvent[] events)
    {
        RunDetail detail = session.Detail;
        foreach (RunEvent change in events) Numbered(change, ++detail.Summary.Sequence);
        session.Publish(detail, events);
    }

    private static RunEvent Step(long step) => new() { Time = new Timestamp(), Steps = new StepProgress { Points = { new StepPoint { Step = step } } } };

    private static RunEvent Numbered(RunEvent change, ulong number)
    {
        change.Sequence = new SequenceRange { First = number, Last = number };
        return change;
    }
}
