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

    private static RunEvent Event(RunEvent change)
    {
        change.Sequence = new SequenceRange { First = 1, Last = 1 };
        return change;
    }
}
