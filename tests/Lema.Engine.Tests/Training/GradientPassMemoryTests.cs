using System.Runtime.InteropServices;
using Lema.Engine.Models;
using Lema.Engine.Training;

namespace Lema.Engine.Tests.Training;

/// <summary>Looks at the memory of the whole process, so no other test runs beside it.</summary>
[CollectionDefinition(nameof(GradientPassMemoryTests), DisableParallelization = true)]
[Collection(nameof(GradientPassMemoryTests))]
public sealed class GradientPassMemoryTests
{
    private const int Tokens = 2_000;

    [Fact]
    public void Run_WhenTheBlocksGoBack_HasNothingLeftOfTheHead()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "mallinfo2 is glibc's.");
        RunSettings settings = new() { Steps = 1, Lora = new() { R = 4 }, Precision = Precision.Fp32 };
        using LanguageModel model = TinyModel.Open(TinyModel.Folder, adapters: (architecture, index) => TrainedWeights.Create(architecture, index, settings));
        using HostBoundaryStore boundaries = new(model.Ledger);
        using MicroBatch first = Batch(), second = Batch();
        MicroBatch[] step = [first, second];
        long Used()
        {
            long used = 0;
            new GradientPass(model, boundaries, 0, 256) { OnLoss = _ => used = BytesInUse() }.Run(step);
            return used;
        }

        // The first pass makes what all passes share.
        Used();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = BytesInUse(), inUse = Used() - before, hidden = sizeof(float) * (long)Tokens * model.Architecture.HiddenSize;

        // A boundary for each block and micro-batch, and a gradient for each micro-batch.
        double tensors = step.Length * (model.Architecture.BlockCount + 1);
        Assert.InRange((double)inUse / hidden, tensors - 0.5, tensors + 0.5);
    }

    private static MicroBatch Batch()
    {
        long[] tokens = [.. Enumerable.Range(0, Tokens).Select(i => (long)(10 + i % 100))];
        return MicroBatch.Of([(tokens, tokens)]);
    }

    private static long BytesInUse()
    {
        MallocInfo info = MallInfo();
        return (long)(info.Used + info.Mapped);
    }

    [DllImport("libc", EntryPoint = "mallinfo2")]
    private static extern MallocInfo MallInfo();

    /// <summary>struct mallinfo2 of malloc.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MallocInfo
    {
        public nuint Arena, FreeChunks, FastBins, MappedChunks, Mapped, Unused, FreeFastBins, Used, Free, KeepCost;
    }
}
