using Lema.Engine.Adapters;
using Lema.Engine.Devices;
using Lema.Engine.Training;
using Lema.Engine.Weights;
using static TorchSharp.torch;

namespace Lema.Engine.Models;

/// <summary>How a model is opened.</summary>
public sealed record ModelOptions
{
    public Precision Precision { get; init; } = Precision.Bf16;

    /// <summary>Budget of slots and pinned units in host memory; null: the whole model stays in memory.</summary>
    public long? WeightBytes { get; init; }

    /// <summary>Where layers are computed. Not taken over.</summary>
    public IDevice Device { get; init; } = new CpuDevice();

    /// <summary>Budget of slots and pinned units in a device's own memory; null: as in host memory.</summary>
    public long? DeviceBytes { get; init; }

    /// <summary>Trained parameters live where they are computed with; else in host memory or the file that they were made in.</summary>
    public bool TrainedOnDevice { get; init; } = true;

    public Streaming.DirectIo DirectIo { get; init; } = Streaming.DirectIo.Auto;

    /// <summary>Makes what is trained on top; null: the base model alone.</summary>
    public Func<DecoderModel, GlobalBinaryIndex, AdapterWeights>? Adapters { get; init; }

    public ScalarType ComputeType => Precision.ComputeType();

    /// <summary>The adapter of a PEFT folder, or the parameters of a checkpoint of full fine-tuning, on top of the base.</summary>
    public static Func<DecoderModel, GlobalBinaryIndex, AdapterWeights> FromFolder(string adapterFolder) => (model, _) => TrainedFolder.Load(adapterFolder, model);
}
