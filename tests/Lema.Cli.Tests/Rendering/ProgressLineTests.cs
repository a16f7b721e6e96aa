using Lema.Cli.Following;
using Lema.Protocol.V1;

namespace Lema.Cli.Tests.Rendering;

public sealed class ProgressLineTests
{
    [Theory]
    [InlineData(40, "step 120/200  loss 0.4000  1 m 20 s left")]
    [InlineData(80, "step 120/200  loss 0.4000  1 m 20 s left  █▇▆▅▄▃▂▁  lr 7.5e-4  5,400 tok/s")]
    [InlineData(200, "step 120/200  loss 0.4000  1 m 20 s left  █▇▆▅▄▃▂▁  lr 7.5e-4  5,400 tok/s  stall 12.5 %  mem 400 MiB")]
    public void ProgressLine_Width_ShowsWhatMattersMostFirst(int width, string expected)
    {
        string line = RunText.ProgressLine(Progress(), width);

        Assert.Equal(expected, line);
        Assert.True(line.Length <= width);
    }

    [Fact]
    public void ProgressLine_BeforeTheFirstStep_ShowsThePhase()
    {
        RunProgress progress = new();
        progress.Apply(new RunSnapshot { Run = new RunDetail { Summary = new RunSummary { State = RunState.Preparing, Phase = "tokenizing", PhaseFraction = 0.25 } } });

        Assert.Equal("preparing  tokenizing  25.0 %", RunText.ProgressLine(progress, 80));
    }

    /// <summary>An evaluation, and the first step after it, may take minutes.</summary>
    [Theory]
    [InlineData(RunState.Running, "step 120/200  Evaluating  loss 0.4000")]
    [InlineData(RunState.Completed, "step 120/200  loss 0.4000  1 m 20 s left")]
    [InlineData(RunState.Preparing, "preparing  Evaluating  60.0 %")]
    public void ProgressLine_APhaseBetweenSteps_StaysWithTheFiguresOfTheLastStep(RunState state, string expected)
    {
        RunProgress progress = Progress();
        progress.Run.State = state;
        progress.Apply(new RunEvent { Phase = new PhaseChange { Text = "Evaluating", Fraction = 0.6 } }, progress.Run);

        Assert.Equal(expected, RunText.ProgressLine(progress, 40));
    }

    [Fact]
    public void ProgressLine_NarrowerThanItsFirstField_IsCut() => Assert.Equal("step 1…", RunText.ProgressLine(Progress(), 7));

    private static RunProgress Progress()
    {
        RunProgress progress = new();
        RunSummary run = new() { State = RunState.Running, Step = 120, TotalSteps = 200 };
        Series loss = new() { Name = "loss" };
        loss.Steps.AddRange([113, 114, 115, 116, 117, 118, 119]);
        loss.Values.AddRange([1.1, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5]);
        progress.Apply(new RunSnapshot { Run = new RunDetail { Summary = run }, Series = { loss } });
        StepPoint point = new() { Step = 120, Loss = 0.4, LearningRate = 7.5e-4, Tokens = 5400, Seconds = 1, StallSeconds = 0.125, PeakRssBytes = 400 << 20 };
        progress.Apply(new RunEvent { Steps = new StepProgress { Points = { point } } }, run);
        return progress;
    }
}
