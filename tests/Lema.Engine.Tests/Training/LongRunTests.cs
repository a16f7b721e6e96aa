using Lema.Engine.Training;
using Lema.Testing;
using TorchSharp;

namespace Lema.Engine.Tests.Training;

public sealed class LongRunTests
{
    private const int EarlyStep = 50, LastStep = 500;

    /// <summary>What a step leaves behind adds up over the weeks of a run; five hundred steps show it. Resident memory: WorkerMemoryTests of the daemon.</summary>
    [Fact]
    public void Execute_FiveHundredSteps_LeavesNoTensorAndNoChargeBehind()
    {
        Assert.SkipUnless(LongTests.AreAskedFor, LongTests.SkipMessage);
        using TemporaryFolder folder = new();
        string dataset = folder.File("rows.jsonl");
        File.WriteAllLines(dataset, Enumerable.Range(0, 40).Select(i => $$"""{"prompt":"What is {{i}} plus {{i * 3}}?","completion":" It is {{i * 4}}."}"""));
        RunSettings settings = new() { Steps = LastStep, MicroBatchSize = 2, MaxLength = 64, Lora = new() { R = 8 }, Checkpoint = new() { EverySteps = 0 } };
        Dictionary<int, (long Tensors, long LedgerBytes)> seen = [];
        TrainingRun.Execute(new(TinyModel.Folder, dataset, null, settings, folder.File("run")), e =>
        {
            if (e is not StepCompleted { Step: EarlyStep or LastStep } step) return;
            GC.Collect();
            GC.WaitForPendingFinalizers();
            seen[(int)step.Step] = (torch.Tensor.TotalCount, step.LedgerBytes);
        }, TestContext.Current.CancellationToken);
        // The count is the process's: tensors that other tests forgot may go meanwhile, none may come.
        Assert.InRange(seen[LastStep].Tensors, 1, seen[EarlyStep].Tensors);
        Assert.True(seen[EarlyStep].LedgerBytes > 0);
        Assert.Equal(seen[EarlyStep].LedgerBytes, seen[LastStep].LedgerBytes);
    }
}
