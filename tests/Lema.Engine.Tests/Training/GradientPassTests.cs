using Lema.Engine.Adapters;
using Lema.Engine.Models;
using Lema.Engine.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Lema.Engine.Tests.Training;

public sealed class GradientPassTests
{
    private static readonly LoraSettings Lora = new() { R = 4, Dropout = 0.1 };

    [Fact]
    public void Run_WithEvictedLayers_GivesTheSameGradientsBitForBit()
    {
        Dictionary<string, Tensor> resident = Gradients(long.MaxValue, 1), streamed = Gradients(null, 1);
        Assert.All(resident, pair => Assert.True(pair.Value.equal(streamed[pair.Key]).all().item<bool>(), pair.Key));
    }

    [Fact]
    public void Run_WithKeptActivations_GivesTheSameGradientsAsRecomputing()
    {
        Dictionary<string, Tensor> recomputed = Gradients(null, 1), kept = Gradients(null, 4);
        Assert.All(recomputed, pair => Assert.True(pair.Value.equal(kept[pair.Key]).all().item<bool>(), pair.Key));
    }

    [Fact]
    public void Run_OfPackedRows_EqualsTheSumOfSingleRows()
    {
        using var scope = NewDisposeScope();
        using LanguageModel model = Open(null, Lora with { Dropout = 0 });
        (long[], long[])[] rows = [Row(11, 3), Row(23, 5), Row(7, 2)];
        using HostBoundaryStore boundaries = new(model.Ledger);
        double packed = Loss(model, boundaries, [rows]), single = Loss(model, boundaries, [.. rows.Select(row => new[] { row })]);
        Assert.Equal(single, packed, 1e-5);
    }

    private static double Loss(LanguageModel model, HostBoundaryStore boundaries, (long[], long[])[][] batches)
    {
        MicroBatch[] step = [.. batches.Select(MicroBatch.Of)];
        double loss = new GradientPass(model, boundaries).Run(step);
        foreach (MicroBatch batch in step) batch.Dispose();
        return loss;
    }

    private static Dictionary<string, Tensor> Gradients(long? weightBytes, int keptLayers)
    {
        using LanguageModel model = Open(weightBytes, Lora);
        using HostBoundaryStore boundaries = new(model.Ledger);
        using MicroBatch first = MicroBatch.Of([Row(19, 4), Row(12, 6)]), second = MicroBatch.Of([Row(30, 9)]);
        new GradientPass(model, boundaries, keptLayers, 16).Run([first, second], new DropoutSeed(3, 0, 0));
        return model.Adapters.Parameters.ToDictionary(p => p.Name, p => p.Gradient.clone().DetachFromDisposeScope());
    }

    private static LanguageModel Open(long? weightBytes, LoraSettings lora)
    {
        RunSettings settings = new() { Steps = 1, Lora = lora, Precision = Precision.Fp32 };
        return weightBytes is null
            ? TinyModel.Open(TinyModel.Folder, adapters: (model, index) => TrainedWeights.Create(model, index, settings))
            : LanguageModel.Open(TinyModel.Folder, new() { Precision = Precision.Fp32, Adapters = (model, index) => TrainedWeights.Create(model, index, settings) });
    }

    private static (long[] Ids, long[] Labels) Row(int length, int prompt)
    {
        long[] ids = [.. Enumerable.Range(0, length).Select(i => (long)(i * 37 % 3000))];
        return (ids, [.. ids.Select((id, i) => i < prompt ? MicroBatch.Ignored : id)]);
    }
}
