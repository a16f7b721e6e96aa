using Lema.Engine.Datasets.Replies;
using Lema.Engine.Streaming.Planning;
using Lema.Engine.Training;
using Lema.Testing;

namespace Lema.Engine.Tests.Training;

public sealed class ResumeTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Execute_AfterAStop_EndsInTheSameFilesBitForBit(bool fullFineTuning)
    {
        using TemporaryFolder folder = new();
        string dataset = Dataset(folder.Path);
        RunSettings settings = new()
        {
            Steps = 6, MicroBatchSize = 2, GradientAccumulation = 2, MaxLength = 96, WarmupSteps = 2, WeightDecay = 0.01, Precision = Precision.Fp32, Seed = 7,
            Lora = fullFineTuning ? null : new() { R = 4, Dropout = 0.1 },
            FullFineTuning = fullFineTuning ? new() { Blocks = ["last:1", "emb"] } : null,
            Checkpoint = new() { EverySteps = 2 },
        };
        (TrainingResult whole, List<double> expected) = Run(settings, dataset, Path.Combine(folder.Path, "whole"), stopAfter: null);
        (TrainingResult cut, List<double> first) = Run(settings, dataset, Path.Combine(folder.Path, "cut"), stopAfter: 3);
        Assert.True(cut.Stopped);
        Assert.Equal(3, cut.SavedStep);
        (TrainingResult resumed, List<double> second) = Run(settings, dataset, Path.Combine(folder.Path, "cut"), stopAfter: null);

        Assert.Equal(expected, first.Concat(second));
        Assert.Equal((false, 6), (resumed.Stopped, resumed.SavedStep));
        Assert.Equal(whole, resumed);
        foreach (string name in Directory.GetFiles(Path.Combine(folder.Path, "whole", "checkpoints", "checkpoint-6"), "*.safetensors").Select(f => Path.GetFileName(f)!))
            Assert.True(Read(folder, "whole", name).SequenceEqual(Read(folder, "cut", name)), name);
    }

    [Fact]
    public void Execute_WithStateInAFile_EndsInTheSameFilesBitForBit()
    {
        using TemporaryFolder folder = new();
        string dataset = Dataset(folder.Path);
        RunSettings settings = new() { Steps = 6, MicroBatchSize = 2, MaxLength = 96, Precision = Precision.Fp32, Lora = null, FullFineTuning = new() };
        foreach (string run in (string[])["whole", "cut"]) new WorkDivision(2, 1024).Write(Path.Combine(folder.Path, run));
        List<PlanMade> plans = [];
        Run(settings, dataset, Path.Combine(folder.Path, "whole"), stopAfter: null, plans.Add);
        // The least total leaves nothing for the state: masters, gradients and moments go to a file.
        Run(settings with { Memory = new() { TotalBytes = MemoryPlan.Least(plans[0].Request).TotalBytes } }, dataset, Path.Combine(folder.Path, "cut"), stopAfter: null, plans.Add);
        Assert.Equal([StatePlace.Memory, StatePlace.File], plans.Select(made => made.Plan.State));
        foreach (string name in (string[])["masters.safetensors", "optimizer.safetensors", "delta_model.safetensors"]) Assert.True(Read(folder, "whole", name).SequenceEqual(Read(folder, "cut", name)), name);
        Assert.Empty(Directory.GetFiles(Path.Combine(folder.Path, "cut"), ".state*"));
    }

    [Fact]
    public void Execute_StoppedWhileItReadsTheDataset_EndsAtItsNewestCheckpoint()
    {
        using TemporaryFolder folder = new();
        string dataset = Dataset(folder.Path), run = Path.Combine(folder.Path, "run");
        RunSettings settings = new() { Steps = 2, MicroBatchSize = 2, MaxLength = 96, Precision = Precision.Fp32 };

        (TrainingResult fresh, _) = Run(settings, dataset, run, stopAfter: 0);
        Run(settings, dataset, run, stopAfter: 1);
        (TrainingResult later, List<double> losses) = Run(settings, dataset, run, stopAfter: 0);

        Assert.Equal(new TrainingResult(Stopped: true, SavedStep: 0), fresh);
        Assert.Equal(new TrainingResult(Stopped: true, SavedStep: 1), later);
        Assert.Empty(losses);
    }

    private static byte[] Read(TemporaryFolder folder, string run, string name) => File.ReadAllBytes(Path.Combine(folder.Path, run, "checkpoints", "checkpoint-6", name));

    private static (TrainingResult, List<double>) Run(RunSettings settings, string dataset, string run, int? stopAfter, Action<PlanMade>? onPlan = null)
    {
        List<double> losses = [];
        using CancellationTokenSource stop = new();
        if (stopAfter == 0) stop.Cancel();
        TrainingResult result = TrainingRun.Execute(new(TinyModel.Folder, dataset, null, settings, run), e =>
        {
            if (e is PlanMade plan) onPlan?.Invoke(plan);
            if (e is not StepCompleted step) return;
            losses.Add(step.Loss);
            if (losses.Count == stopAfter) stop.Cancel();
        }, stop.Token);
        return (result, losses);
    }

    private static string Dataset(string folder)
    {
        string file = Path.Combine(folder, "rows.jsonl");
        File.WriteAllLines(file, Enumerable.Range(0, 9).Select(i =>
            System.Text.Json.JsonSerializer.Serialize(new { prompt = ReplyFormat.Lema.Prompt($"What is {i} plus {i * 3}?"), completion = $"It is {i * 4}." })));
        return file;
    }
}
