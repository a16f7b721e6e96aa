using Lema.Engine.Errors;
using Lema.Engine.Models;
using Lema.Engine.Models.Operations;
using Lema.Engine.Streaming;
using Lema.Engine.Streaming.Planning;

namespace Lema.Engine.Training;

/// <summary>What a run needs of memory and time, for <see cref="MemoryPlan"/>.</summary>
public static class PlanRequests
{
    // Float32 logits, their exponentials and one temporary.
    private const int BytesPerFloatLogit = 3 * sizeof(float);

    /// <param name="trainedParameters">Elements of all trained tensors.</param>
    /// <param name="availableBytes">Host memory, where the settings state no total.</param>
    /// <param name="acceleratorBytes">Memory of the device, where it has its own and the settings state no budget; null: the processor computes.</param>
    /// <exception cref="InvalidInputException">The settings state a budget of a device that is not there.</exception>
    public static PlanRequest Of(
        DecoderModel model, ModelUnits units, RunSettings settings, long trainedParameters, long availableBytes, MeasuredSpeeds speeds, long? acceleratorBytes = null)
    {
        if (settings.Memory.DeviceBytes is not null && acceleratorBytes is null)
            throw new InvalidInputException("run settings", "memory.deviceBytes", "this machine has no accelerator that Lema can use; leave it out, or see docs/cuda.md.");

        int elementBytes = settings.Precision == Precision.Fp32 ? sizeof(float) : sizeof(ushort);
        return new PlanRequest
        {
            UnitBytes = [.. units.Units.Select(unit => new UnitLayout(unit).ByteCount)],
            Blocks = model.BlockCount,
            BlockParameters = Enumerable.Range(0, model.BlockCount).Sum(block => Parameters(units.Units[units.Block(block)])),
            HeadParameters = (long)model.VocabularySize * model.HiddenSize,
            HiddenSize = model.HiddenSize,
            VocabularySize = model.VocabularySize,
            ActivationBytesPerToken = ActivationSize.PerToken(model) * elementBytes,
            ElementBytes = elementBytes,
            BytesPerLogit = settings.Precision == Precision.Bf16 && acceleratorBytes is null && SoftmaxLoss.Supports(model, TorchSharp.torch.ScalarType.BFloat16) ? sizeof(ushort) : BytesPerFloatLogit,
            WidenedBytes = acceleratorBytes is null ? MatrixProduct.TemporaryBytes(settings.Precision.ComputeType()) : 0,
            MicroBatchRows = settings.MicroBatchSize,
            StepRows = settings.MicroBatchSize * settings.GradientAccumulation,
            Length = settings.MaxLength,
            TrainedParameters = trainedParameters,
            StateMayLeave = settings.FullFineTuning is not null && StateFile.IsSupported,
            WeightBytes = settings.Memory.WeightBytes,
            TotalBytes = settings.Memory.TotalBytes ?? availableBytes,
            DeviceBytes = settings.Memory.DeviceBytes ?? acceleratorBytes,
            Speeds = speeds,
        };
    }

    /// <summary>Elements of a unit's tensors.</summary>
    public static long Parameters(StreamUnit unit) => unit.Slices.Sum(slice => slice.Tensor.Shape.Skip(1).Aggregate(slice.RowCount, (count, dimension) => count * dimension));
}
