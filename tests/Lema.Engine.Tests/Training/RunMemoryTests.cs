using Lema.Engine.Datasets.Replies;
using Lema.Engine.Streaming.Planning;
using Lema.Engine.Training;
using Lema.Testing;

namespace Lema.Engine.Tests.Training;

public sealed class RunMemoryTests
{
    private static readonly RunSettings Settings = new()
    {
        Steps = 6, MicroBatchSize = 2, GradientAccumulation = 2, MaxLength = 96, Precision = Precision.Fp32, Seed = 7, Lora = new() { R = 4 },
    };

    [Fact]
    public void Execute_StepAfterStep_LedgerStaysAndKeepsThePlan()
    {
        using TemporaryFolder folder = new();
        MemoryPlan? plan = null;
        PlanRequest? request = null;
        List<StepCompleted> steps = [];
        Run(folder.Path, Settings, e =>
        {
            if (e is PlanMade made) (plan, request) = (made.Plan, made.Request);
            if (e is StepCompleted step) steps.Add(step);
        });
        Assert.Single(steps.Select(step => step.LedgerBytes).Distinct());
        Assert.InRange(steps[^1].LedgerPeakBytes, steps[0].LedgerBytes + 1, plan!.HostBytes - request!.RuntimeBytes);
    }

    [Fact]
    public void Execute_UnderTheLeastTotal_LearnsTheSame()
    {
        using TemporaryFolder folder = new();
        MemoryPlan? roomy = null, tight = null;
        PlanRequest? request = null;
        List<double> expected = Losses(Path.Combine(folder.Path, "roomy"), Settings, made => (roomy, request) = (made.Plan, made.Request));
        RunSettings least = Settings with { Memory = new() { TotalBytes = MemoryPlan.Least(request! with { Division = null }).TotalBytes } };
        List<double> actual = Losses(Path.Combine(folder.Path, "tight"), least, made => tight = made.Plan);

        Assert.Equal(BoundaryPlace.Memory, roomy!.Boundaries);
        Assert.True(roomy.KeptLayers > 0);
        Assert.Equal((BoundaryPlace.File, 0, 1), (tight!.Boundaries, tight.KeptLayers, tight.MicroBatchRows));
        Assert.All(expected.Zip(actual), pair => Assert.InRange(pair.Second / pair.First, 1 - 1e-4, 1 + 1e-4));
    }

    [Fact]
    public void Execute_EvaluationUnderTheLeastTotal_KeepsThePlan()
    {
        using TemporaryFolder folder = new();
        PlanRequest? request = null;
        Losses(Path.Combine(folder.Path, "roomy"), Settings, made => request = made.Request);
        MemoryPlan? plan = null;
        List<StepCompleted> steps = [];
        List<EvaluationCompleted> evaluations = [];
        RunSettings settings = Settings with { Memory = new() { TotalBytes = MemoryPlan.Least(request! with { Division = null }).TotalBytes }, Data = Settings.Data with { ReplyFormat = ReplyFormat.Lema }, Evaluation = new() { EverySteps = 3, Rows = 48 } };
        Run(Directory.CreateDirectory(Path.Combine(folder.Path, "tight")).FullName, settings, e =>
        {
            if (e is PlanMade made) plan = made.Plan;
            if (e is StepCompleted step) steps.Add(step);
            if (e is EvaluationCompleted evaluation) evaluations.Add(evaluation);
        });
        Assert.Equal([0, 3, 6], evaluations.Select(evaluation => evaluation.Step));
        Assert.All(evaluations, evaluation => Assert.Equal(48, evaluation.Replies!.Questions));
        Assert.InRange(steps[^1].LedgerPeakBytes, steps[0].LedgerBytes + 1, plan!.HostBytes - request!.RuntimeBytes);
    }

    private static List<double> Losses(string folder, RunSettings settings, Action<PlanMade> planned)
    {
        List<double> losses = [];
        Directory.CreateDirectory(folder);
        Run(folder, settings, e =>
        {
            if (e is PlanMade made) planned(made);
            if (e is StepCompleted step) losses.Add(step.Loss);
        });
        Assert.Equal(settings.Steps, losses.Count);
        return losses;
    }

    private static void Run(string folder, RunSettings settings, Action<TrainingEvent> publish)
    {
        string file = Path.Combine(folder, "rows.jsonl");
        File.WriteAllLines(file, Enumerable.Range(0, 9).Select(i => System.Text.Json.JsonSerializer.Serialize(new { prompt = $"What is {i} plus {i * 3}? ", completion = $"It is {i * 4}." })));
        string questions = Path.Combine(folder, "questions.jsonl");
        File.WriteAllLines(questions, Enumerable.Range(0, 48).Select(i =>
            System.Text.Json.JsonSerializer.Serialize(new { prompt = ReplyFormat.Lema.Prompt($"What is {i} plus {i * 3}?"), completion = $"It is {i * 4}.", expected = $"{i * 4}" })));
        TrainingRun.Execute(new(TinyModel.Folder, file, settings.Evaluation.EverySteps > 0 ? questions : null, settings, Path.Combine(folder, "run")), publish, CancellationToken.None);
    }
}
