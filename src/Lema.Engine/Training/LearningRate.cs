namespace Lema.Engine.Training;

/// <summary>The learning rate of each step: warm-up, then the schedule, as transformers' get_*_schedule_with_warmup.</summary>
public static class LearningRate
{
    /// <summary>Rate of a step, counted from 0 of <paramref name="steps"/>.</summary>
    public static double At(RunSettings settings, int step, int steps) => settings.LearningRate * Factor(settings, step, steps);

    private static double Factor(RunSettings settings, int step, int steps)
    {
        int warmup = settings.WarmupSteps;
        double rise = warmup == 0 ? 1 : Math.Min(1, (settings.WarmupStart == WarmupStart.One ? step + 1.0 : step) / warmup);
        double progress = Math.Max(0, (step - warmup) / (double)Math.Max(1, steps - warmup));
        return rise * settings.Schedule switch
        {
            LearningRateSchedule.Cosine => 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, progress))),
            LearningRateSchedule.Linear => Math.Max(0, 1 - progress),
            _ => 1,
        };
    }
}
