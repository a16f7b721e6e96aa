using Lema.Engine.Models;

namespace Lema.Engine.Training;

/// <summary>How many of the last blocks keep their activations instead of recomputing them, given the memory there is.</summary>
/// <param name="KeptLayers">At least 1: the last block's gradients follow its forward pass at once.</param>
/// <param name="LayerBytes">Activations of one block for a whole step.</param>
/// <param name="BoundaryBytes">Inputs of all blocks that recompute.</param>
public sealed record ActivationPlan(int KeptLayers, long LayerBytes, long BoundaryBytes)
{
    // libtorch, the runtime and the code.
    private const long RuntimeBytes = 400L << 20;

    public static ActivationPlan Make(DecoderModel model, RunSettings settings, long modelBytes)
    {
        long tokens = (long)settings.MicroBatchSize * settings.GradientAccumulation * settings.MaxLength, size = settings.Precision == Precision.Fp32 ? 4 : 2;
        long layer = tokens * PerToken(model) * size, boundary = tokens * model.HiddenSize * size;
        long weights = Math.Min(settings.Memory.WeightBytes ?? modelBytes, modelBytes);
        long free = settings.Memory.TotalBytes is { } total ? total - RuntimeBytes - weights : (GC.GetGCMemoryInfo().TotalAvailableMemoryBytes - weights) / 3;
        long kept = Math.Clamp((free - boundary * model.BlockCount) / Math.Max(1, layer), 1, model.BlockCount);
        return new((int)kept, layer, boundary * (model.BlockCount - kept));
    }

    public IReadOnlyList<KeyValuePair<string, long>> Describe(LanguageModel model) =>
    [
        KeyValuePair.Create("trained parameters, gradients and moments", model.Adapters.Parameters.Sum(p => p.ByteCount) * 4),
        KeyValuePair.Create("boundary activations", BoundaryBytes),
        KeyValuePair.Create("kept activations", LayerBytes * KeptLayers),
    ];

    /// <summary>Elements that a block's operations save for a token: what goes into and comes out of its linear modules, and a few residual streams.</summary>
    internal static long PerToken(DecoderModel model) => Enumerable.Range(0, model.BlockCount).Max(block =>
        model.Parts(block).Linears.Sum(linear => linear.Out) + model.Parts(block).Linears.Max(linear => linear.In) + 6L * model.HiddenSize);
}
