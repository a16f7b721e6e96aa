using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Sequences;
using static TorchSharp.torch;

namespace Lema.Engine.Models;

/// <summary>
/// One micro-batch passing through one layer: what the operations in Operations/ are called on. Without a tape nothing is recorded; without states every
/// segment starts at position 0 and is forgotten afterwards.
/// </summary>
/// <param name="Layer">Index of the block, for per-layer state and dropout.</param>
/// <param name="Weights">The layer's parameters in this visit.</param>
/// <param name="Batch">The tokens.</param>
/// <param name="Shared">Rotary tables and masks that all layers share.</param>
/// <param name="Tape">Where operations record their backward step; null when no gradient is wanted.</param>
/// <param name="States">One for each segment when generating: keys, values and convolution tails of the tokens before.</param>
/// <param name="Recomputes">The block runs for its gradients alone: nobody reads its output.</param>
/// <param name="Dropout">The seeded masks of LoRA dropout; null when not training.</param>
public sealed record LayerPass(
    int Layer, LayerWeights Weights, TokenBatch Batch, PassConstants Shared, Tape? Tape = null, IReadOnlyList<SequenceState>? States = null, DropoutSeed? Dropout = null, bool Recomputes = false)
{
    /// <summary>Records an operation if there is a tape, and gives its result back.</summary>
    public Variable Record(Tensor output, ReadOnlySpan<Tensor> saved, Action<Tensor> backward)
    {
        Variable variable = new(output);
        Tape?.Record(variable, saved, backward);
        return variable;
    }
}

/// <summary>Names the random stream of a step's dropout, so that the recomputed forward pass and a resumed run draw the same masks.</summary>
public readonly record struct DropoutSeed(int Seed, int Step, int MicroBatch);
