using Lema.Engine.Models;

namespace Lema.Engine.Training;

/// <summary>What a block's operations keep for their gradients.</summary>
internal static class ActivationSize
{
    /// <summary>Elements saved for a token: what goes into and comes out of the linear modules, and a few residual streams.</summary>
    public static long PerToken(DecoderModel model) => Enumerable.Range(0, model.BlockCount).Max(block =>
        model.Parts(block).Linears.Sum(linear => linear.Out) + model.Parts(block).Linears.Max(linear => linear.In) + 6L * model.HiddenSize);
}
