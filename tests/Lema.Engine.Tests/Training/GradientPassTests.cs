using Lema.Engine.Adapters;
using Lema.Engine.Models;
using Lema.Engine.Training;
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

    [Theory]
    [InlineData(8)]
    [InlineData(64)]
    public void Run_OfPackedRows_GivesTheLossAndTheGradientsOfSingleRows(int chunk)
    {
        (long[], long[])[] rows = [Row(11, 3), Row(23, 5), Row(7, 2)];
        (double loss, Dictionary<string, Tensor> gradients) packed = Pass([rows], chunk), single = Pass([.. rows.Select(row => new[] { row })], chunk);
        Assert.Equal(single.loss, packed.loss, 1e-5);
        Assert.All(single.gradients, pair =>
        {
            double scale = pair.Value.abs().max().item<float>();
            Assert.True(scale > 0, $"{pair.Key} has no gradient to compare");
            Assert.InRange((packed.gradients[pair.Key] - pair.Value).abs().max().item<float>(), 0, 1e-4 * scale);
        });
    }

    private static (double Loss, Dictionary<string, Tensor> Gradients) Pass((long[], long[])[][] batches, int chunk)
    {
        using LanguageModel model = Open(null, Lora with { Dropout = 0 });
        using HostBoundaryStore boundaries = new(model.Ledger);
        foreach (TrainedParameter parameter in model.Adapters.Parameters) parameter.Value.fill_(0.01f);
        MicroBatch[] step = [.. batches.Select(rows => MicroBatch.Of(rows))];
        double loss = new GradientPass(model, boundaries, 1, chunk).Run(step);
        foreach (MicroBatch batch in step) batch.Dispose();
        return (loss, model.Adapters.Parameters.ToDictionary(p => p.Name, p => p.Gradient.clone().DetachFromDisposeScope()));
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
