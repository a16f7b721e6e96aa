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
    public void Execute_WithANamedReplyFormat_JudgesTheRowsByIt()
    {
        using TemporaryFolder folder = new();
        // What lema-tiny says to its own prompt without training: one line that begins with a capital letter.
        ReplyFormat format = new("own", null, "<reply>", [new("Sum", [])], "</reply>", "Sum");
        RunSettings settings = Settings(EvaluationMetric.ValidFormat, 1e-3) with { Steps = 1, Data = new() { ReplyFormat = format } };
        EvaluationCompleted evaluation = Run(folder, settings, "run").Events.OfType<EvaluationCompleted>().First();
        Assert.Equal((2, 0), (evaluation.Replies!.Questions, evaluation.Replies.ValidFormat));
        Assert.All(evaluation.Replies.Replies, reply => Assert.StartsWith("expected <reply>, found", reply.Parsed.Deviation!.Problem, StringComparison.Ordinal));
        Assert.Equal(ReplyFormat.Lema.Prompt("What is 1 plus 3?"), evaluation.Replies.Replies[1].Question.Question);
        Assert.Equal(format.Fields, RunSettingsFile.Read(Path.Combine(folder.Path, "run", "checkpoints", "checkpoint-1")).Data.ReplyFormat!.Fields.Select(field => field with { Values = format.Fields[0].Values }));
    }

    [Fact]
    public void Execute_MetricThatTheHeldOutRowsCannotGive_IsRefused()
    {
        using TemporaryFolder folder = new();
        InvalidInputException problem = Assert.Throws<InvalidInputException>(() => Run(folder, Settings(EvaluationMetric.RightAnswer, 1e-3), "run"));
        Assert.Contains("Set evaluation.metric to loss", problem.Message, StringComparison.Ordinal);
    }
}
