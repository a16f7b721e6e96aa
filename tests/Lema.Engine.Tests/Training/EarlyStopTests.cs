using Lema.Engine.Datasets.Replies;
using Lema.Engine.Errors;
using Lema.Engine.Training;
using Lema.Testing;

namespace Lema.Engine.Tests.Training;

public sealed class EarlyStopTests
{
    private static RunSettings Settings(EvaluationMetric metric, double learningRate) => new()
    {
        Steps = 12, MicroBatchSize = 2, MaxLength = 96, Precision = Precision.Fp32, Seed = 7, LearningRate = learningRate, Lora = new() { R = 4 },
        Checkpoint = new() { EverySteps = 1 }, Evaluation = new() { EverySteps = 1, Rows = 2, Metric = metric, Patience = 3 },
    };

    private static (TrainingResult Result, List<TrainingEvent> Events) Run(TemporaryFolder folder, RunSettings settings, string run)
    {
        string file = Path.Combine(folder.Path, "rows.jsonl");
        File.WriteAllLines(file, Enumerable.Range(0, 8).Select(i =>
            System.Text.Json.JsonSerializer.Serialize(new { prompt = ReplyFormat.Lema.Prompt($"What is {i} plus {i * 3}?"), completion = $"It is {i * 4}." })));
        List<TrainingEvent> events = [];
        return (TrainingRun.Execute(new(TinyModel.Folder, file, file, settings, Path.Combine(folder.Path, run)), events.Add, default), events);
    }

    [Fact]
    public void Execute_LossThatStandsStill_EndsAfterItsPatienceAsDone()
    {
        using TemporaryFolder folder = new();
        RunSettings settings = Settings(EvaluationMetric.Loss, learningRate: 1e-30);
        (TrainingResult result, List<TrainingEvent> events) = Run(folder, settings, "run");
        Assert.Equal((false, 3), (result.Stopped, result.SavedStep));
        Assert.Contains(events, e => e is Notice notice && notice.Text.StartsWith("Ended early at step 3", StringComparison.Ordinal));
        // Started again, it knows from the checkpoint that it was done.
        Assert.Equal(result, Run(folder, settings, "run").Result);
    }

    [Fact]
    public void Execute_LossThatFalls_GoesOn()
    {
        using TemporaryFolder folder = new();
        Assert.Equal(12, Run(folder, Settings(EvaluationMetric.Loss, learningRate: 1e-3), "run").Result.SavedStep);
    }

    [Fact]
    public void Execute_MetricThatTheHeldOutRowsCannotGive_IsRefused()
    {
        using TemporaryFolder folder = new();
        InvalidInputException problem = Assert.Throws<InvalidInputException>(() => Run(folder, Settings(EvaluationMetric.RightAnswer, 1e-3), "run"));
        Assert.Contains("evaluation.metric can only be loss", problem.Message, StringComparison.Ordinal);
    }
}
