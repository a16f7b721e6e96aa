using Lema.Engine.Training;
using Lema.Testing;
using TorchSharp;

namespace Lema.Engine.Tests.Training;

public sealed class LongRunTests
{
    private const int EarlyStep = 50, LastStep = 500;
    private const long RssTolerance = 8L << 20;

    /// <summary>What a step leaves behind adds up over the weeks of a run; five hundred steps show a few kilobytes each.</summary>
    [Fact]
    public void Execute_FiveHundredSteps_NeitherTensorsNorMemoryGrow()
    {
        Assert.SkipUnless(LongTests.AreAskedFor, LongTests.SkipMessage);
        using TemporaryFolder folder = new();
        string dataset = folder.File("rows.jsonl");
        File.WriteAllLines(dataset, Enumerable.Range(0, 40).Select(i => $$"""{"prompt":"What is {{i}} plus {{i * 3}}?","completion":" It is {{i * 4}}."}"""));
        RunSettings settings = new() { Steps = LastStep, MicroBatchSize = 2, MaxLength = 64, Lora = new() { R = 8 }, Checkpoint = new() { EverySteps = 0 } };
        Dictionary<int, (long Tensors, long LedgerBytes, long RssBytes)> seen = [];
        TrainingRun.Execute(new(TinyModel.Folder, dataset, null, settings, folder.File("run")), e =>
        {
            if (e is not StepCompleted { Step: EarlyStep or LastStep } step) return;
            GC.Collect();
            GC.WaitForPendingFinalizers();
            seen[(int)step.Step] = (torch.Tensor.TotalCount, step.LedgerBytes, ProcessMemory.RssBytes);
        }, TestContext.Current.CancellationToken);
        Assert.Equal(seen[EarlyStep].Tensors, seen[LastStep].Tensors);
        Assert.True(seen[EarlyStep].LedgerBytes > 0);
        Assert.Equal(seen[EarlyStep].LedgerBytes, seen[LastStep].LedgerBytes);
        Assert.InRange(seen[LastStep].RssBytes, 0, seen[EarlyStep].RssBytes + RssTolerance);
    }
}
