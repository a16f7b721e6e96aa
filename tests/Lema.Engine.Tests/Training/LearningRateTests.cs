using Lema.Engine.Training;

namespace Lema.Engine.Tests.Training;

public sealed class LearningRateTests
{
    [Theory]
    [InlineData(LearningRateSchedule.Cosine, WarmupStart.Zero, 0, 0.0)]
    [InlineData(LearningRateSchedule.Cosine, WarmupStart.Zero, 1, 0.5)]
    [InlineData(LearningRateSchedule.Cosine, WarmupStart.One, 0, 0.5)]
    [InlineData(LearningRateSchedule.Cosine, WarmupStart.Zero, 2, 1.0)]
    [InlineData(LearningRateSchedule.Cosine, WarmupStart.Zero, 6, 0.5)]
    [InlineData(LearningRateSchedule.Linear, WarmupStart.Zero, 4, 0.75)]
    [InlineData(LearningRateSchedule.Linear, WarmupStart.Zero, 10, 0.0)]
    [InlineData(LearningRateSchedule.Constant, WarmupStart.Zero, 9, 1.0)]
    public void At_OfAStep_IsTheFactorOfTransformers(LearningRateSchedule schedule, WarmupStart start, int step, double factor)
    {
        RunSettings settings = new() { LearningRate = 2, WarmupSteps = 2, Schedule = schedule, WarmupStart = start };
        Assert.Equal(2 * factor, LearningRate.At(settings, step, 10), 1e-12);
    }
}
