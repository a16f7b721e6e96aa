using Lema.Engine.Adapters;
using Lema.Engine.Devices;
using Lema.Engine.Errors;
using Lema.Engine.Models;
using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Operations;
using Lema.Engine.Streaming;
using Lema.Engine.Tests.Devices;
using Lema.Engine.Training;
using Lema.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace Lema.Engine.Tests.Training;

/// <summary>Training on a device with memory of its own: what a card does, as far as it can be had without one.</summary>
public sealed class DeviceTrainingTests
{
    private static readonly string[] Rows = [.. Enumerable.Range(0, 40).Select(i => $$"""{"prompt":"What is {{i}} plus {{i * 3}}?","completion":" It is {{i * 4}}."}""")];

    [Fact]
    public void Execute_ThroughDeviceSlots_WritesTheBytesOfTheProcessorsRun()
    {
        using TemporaryFolder folder = new();
        using SimulatedDevice device = new() { ComputesOnHost = true };
        (byte[] expected, long none) = Train(folder, "host", new CpuDevice());
        (byte[] actual, long copied) = Train(folder, "device", device);
        Assert.Equal(0, none);
        Assert.True(copied > 0);
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void Execute_WithABudgetForADeviceThatIsNotThere_IsRefused()
    {
        using TemporaryFolder folder = new();
        RunSettings settings = new() { Steps = 1, Lora = new(), Memory = new() { DeviceBytes = 30_000_000 } };
        File.WriteAllLines(folder.File("rows.jsonl"), Rows);
        InvalidInputException refusal = Assert.Throws<InvalidInputException>(() => TrainingRun.Execute(
            new(TinyModel.Folder, folder.File("rows.jsonl"), null, settings, folder.File("run")), _ => { }, TestContext.Current.CancellationToken, device: new CpuDevice()));
        Assert.Contains("memory.deviceBytes", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Layers_OnADeviceThatIsNotTheHost_TouchNoHostTensor()
    {
        using MetaDevice device = new();
        RunSettings settings = new() { Steps = 1, Lora = new() { R = 4, Dropout = 0.1, UseDora = true } };
        using LanguageModel model = LanguageModel.Open(TinyModel.Folder, new()
        {
            Precision = Precision.Bf16, Device = device, DeviceBytes = 100_000_000, Adapters = (architecture, index) => TrainedWeights.Create(architecture, index, settings),
        });
        long[] ids = [5, 6, 7, 8, 9];
        using MicroBatch batch = MicroBatch.Of([(ids, ids), (ids[..3], ids[..3])], model.TorchDevice);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using Tape tape = new();
        Variable x = model.Embed(batch.Tokens, tape), y = x;
        model.Visit(0, weights =>
        {
            LayerPass pass = new(0, weights, batch.Tokens, model.Shared, tape, null, new DropoutSeed(1, 0, 0));
            // Attention is left out: libtorch has no shape-only kernel of index_select.
            y = pass.Linear(pass.RmsNorm(x, "input_layernorm.weight", 1e-5), "self_attn.q_proj");
            tape.Backward(y, ones_like(y.Value));
        });
        Assert.Equal(DeviceType.META, y.Value.device_type);
        Assert.Equal(DeviceType.META, model.Adapters.Parameters[0].Gradient.device_type);
    }

    private static (byte[] Adapter, long CopiedBytes) Train(TemporaryFolder folder, string name, IDevice device)
    {
        string dataset = folder.File("rows.jsonl");
        File.WriteAllLines(dataset, Rows);
        RunSettings settings = new()
        {
            Steps = 4, MicroBatchSize = 4, MaxLength = 64, Precision = Precision.Fp32, Lora = new() { R = 8 },
            Memory = new() { WeightBytes = 5_000_000, DeviceBytes = device.SharesHostMemory ? null : 30_000_000 },
        };
        new WorkDivision(MicroBatchRows: 4, ChunkTokens: 128).Write(folder.File(name));
        long copied = 0;
        IWeightStream? stream = null;
        TrainingRun.Execute(new(TinyModel.Folder, dataset, null, settings, folder.File(name)), e =>
        {
            if (e is StreamOpened opened) stream = opened.Stream;
            if (e is StepCompleted) copied = stream!.Statistics.DeviceBytes;
        }, TestContext.Current.CancellationToken, device: device);
        return (File.ReadAllBytes(folder.File(Path.Combine(name, "checkpoints", "checkpoint-4", AdapterFolder.WeightsName))), copied);
    }
}
