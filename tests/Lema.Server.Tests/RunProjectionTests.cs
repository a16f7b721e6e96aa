using Lema.Protocol.V1;
using Lema.Server.Runs;

namespace Lema.Server.Tests;

public sealed class RunProjectionTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Apply_StepEvaluatedAndSaved_CheckpointHasItsLossInEitherOrder(bool evaluationFirst)
    {
        RunDetail run = new() { Summary = new RunSummary() };
        foreach ((long step, double loss) in new[] { (10L, 0.5), (20L, 0.2), (30L, 0.3) })
        {
            RunEvent[] events = [Event(new RunEvent { Evaluation = new EvaluationPoint { Step = step, Loss = loss } }), Event(new RunEvent { Checkpoint = new Checkpoint { Step = step } })];
            foreach (RunEvent change in evaluationFirst ? events : events.Reverse()) RunProjection.Apply(run, change);
        }

        Assert.Equal([0.5, 0.2, 0.3], run.Checkpoints.Select(c => c.EvaluationLoss));
        Assert.Equal(20, Assert.Single(run.Checkpoints, c => c.Best).Step);
    }

    [Fact]
    public void Apply_CheckpointsRemoved_TheBestIsOneThatIsThere()
    {
        RunDetail run = new() { Summary = new RunSummary() };
        foreach ((long step, double loss) in new[] { (10L, 0.5), (20L, 0.2), (30L, 0.3) })
        {
            Apply(run, new RunEvent { Evaluation = new EvaluationPoint { Step = step, Loss = loss } });
            Apply(run, new RunEvent { Checkpoint = new Checkpoint { Step = step } });
        }
        Apply(run, new RunEvent { CheckpointsRemoved = new CheckpointsRemoved { Steps = { 20, 99 } } });
        Assert.Equal([10, 30], run.Checkpoints.Select(c => c.Step));
        Assert.Equal(30, Assert.Single(run.Checkpoints, c => c.Best).Step);
    }

    [Fact]
    public void Apply_AStepAgain_ReplacesWhatIsKnownOfItAndLater()
    {
        RunDetail run = new() { Summary = new RunSummary() };
        foreach (long step in (long[])[10, 20]) Apply(run, new RunEvent { Evaluation = new EvaluationPoint { Step = step, Loss = 1 } });
        foreach (long step in (long[])[10, 20]) Apply(run, new RunEvent { Checkpoint = new Checkpoint { Step = step } });
        Apply(run, new RunEvent { Evaluation = new EvaluationPoint { Step = 10, Loss = 0.5 } });
        Apply(run, new RunEvent { Checkpoint = new Checkpoint { Step = 10 } });
        Assert.Equal(0.5, Assert.Single(run.Evaluations).Loss);
        Assert.Equal([20, 10], run.Checkpoints.Select(c => c.Step));
        Assert.Equal(0.5, run.Checkpoints[1].EvaluationLoss);
    }

    [Theory]
    [InlineData(null, 20)]
    [InlineData(EvaluationSettings.Types.Metric.Unspecified, 20)]
    [InlineData(EvaluationSettings.Types.Metric.ValidFormat, 10)]
    [InlineData(EvaluationSettings.Types.Metric.RightAnswer, 30)]
    public void Apply_WithAMetric_TheBestIsByThatOne(EvaluationSettings.Types.Metric? metric, long best)
    {
        RunDetail run = new() { Summary = new RunSummary(), Settings = new RunSettings() };
        if (metric is { } named) run.Settings.Evaluation = new EvaluationSettings { Metric = named };
        foreach ((long step, double loss, int format, int right) in new[] { (10L, 0.5, 9, 1), (20L, 0.2, 5, 1), (30L, 0.3, 5, 8) })
        {
            Apply(run, new RunEvent { Evaluation = new EvaluationPoint { Step = step, Loss = loss, Questions = 10, ValidFormat = format, RightAnswer = right } });
            Apply(run, new RunEvent { Checkpoint = new Checkpoint { Step = step } });
        }
        Assert.Equal(best, Assert.Single(run.Checkpoints, c => c.Best).Step);
    }

    [Theory]
    [InlineData(EvaluationSettings.Types.Metric.ValidFormat)]
    [InlineData(EvaluationSettings.Types.Metric.RightAnswer)]
    public void Apply_WithAMetricAndNoQuestions_TheBestIsByLoss(EvaluationSettings.Types.Metric metric)
    {
        RunDetail run = new() { Summary = new RunSummary(), Settings = new RunSettings { Evaluation = new EvaluationSettings { Metric = metric } } };
        foreach ((long step, double loss) in new[] { (10L, 0.5), (20L, 0.2) })
        {
            Apply(run, new RunEvent { Evaluation = new EvaluationPoint { Step = step, Loss = loss } });
            Apply(run, new RunEvent { Checkpoint = new Checkpoint { Step = step, EvaluationLoss = loss } });
        }
        // One of whose evaluation nothing is known but the loss.
        Apply(run, new RunEvent { Checkpoint = new Checkpoint { Step = 30, EvaluationLoss = 0.1 } });
        Assert.Equal(30, Assert.Single(run.Checkpoints, c => c.Best).Step);
    }

    [Fact]
    public void Apply_APhase_IsToldUntilTheStateChanges()
    {
        RunDetail run = new() { Summary = new RunSummary { State = RunState.Preparing } };
        Apply(run, new RunEvent { Phase = new PhaseChange { Text = "tokenizing", Fraction = 0.5 } });
        Assert.Equal(("tokenizing", 0.5), (run.Summary.Phase, run.Summary.PhaseFraction));
        Apply(run, new RunEvent { State = new StateChange { From = RunState.Preparing, To = RunState.Running } });
        Assert.Equal(("", 0.0), (run.Summary.Phase, run.Summary.PhaseFraction));
    }

    [Fact]
    public void Apply_Steps_TimeLeftIsKnownWhereTheEndIs()
    {
        RunDetail run = new() { Summary = new RunSummary() };
        Step(run, 1, seconds: 2);
        Assert.Equal((1, 50), (run.Summary.Step, run.Summary.TokensPerSecond));
        Assert.False(run.Summary.HasSecondsLeft);
        Apply(run, new RunEvent { Plan = new Estimate { Steps = 3 } });
        Apply(run, new RunEvent { Plan = new Estimate() });
        Assert.Equal(3, run.Summary.TotalSteps);
        Step(run, 2, seconds: 2);
        Assert.Equal(2, run.Summary.SecondsLeft, 1e-9);
        // What took no time that can be measured says nothing of the time.
        Step(run, 2, seconds: 0);
        Assert.Equal((2.0, 50.0), (run.Summary.SecondsLeft, run.Summary.TokensPerSecond));
        Step(run, 3, seconds: 4);
        Assert.Equal(0, run.Summary.SecondsLeft);
        Assert.Equal((400, 8.0), (run.Totals.Tokens, run.Totals.Seconds));
        // A run that is told to end earlier than it has come to.
        Apply(run, new RunEvent { Plan = new Estimate { Steps = 2 } });
        Step(run, 4, seconds: 4);
        Assert.Equal(0, run.Summary.SecondsLeft);
    }

    private static void Step(RunDetail run, long step, double seconds) =>
        Apply(run, new RunEvent { Steps = new StepProgress { Points = { new StepPoint { Step = step, Seconds = seconds, Tokens = 100 } } } });

    private static void Apply(RunDetail run, RunEvent change) => RunProjection.Apply(run, Event(change));

    private static RunEvent Event(RunEvent change)
    {
        change.Sequence = new SequenceRange { First = 1, Last = 1 };
        return change;
    }
}
