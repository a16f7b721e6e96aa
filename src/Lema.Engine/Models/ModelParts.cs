namespace Lema.Engine.Models;

/// <summary>A tensor that a model must have, by its name in published checkpoints.</summary>
/// <param name="Suffix">Name within the layer, or the whole name for the embedding and the head.</param>
public sealed record ParameterSpec(string Suffix, params IReadOnlyList<long> Shape)
{
    public bool HasShape(IReadOnlyList<long> shape) => Shape.SequenceEqual(shape);
}

/// <summary>A linear module, which an adapter may be attached to.</summary>
/// <param name="Module">Name within the block, such as <c>self_attn.q_proj</c>.</param>
/// <param name="Transposed">The weight is stored [in, out].</param>
public sealed record LinearSpec(string Module, long In, long Out, bool HasBias = false, bool Transposed = false)
{
    public IEnumerable<ParameterSpec> Parameters()
    {
        yield return new(Module + ".weight", Transposed ? [In, Out] : [Out, In]);
        if (HasBias) yield return new(Module + ".bias", Out);
    }
}

/// <summary>The parts of one decoder block: what it streams and what can be adapted.</summary>
public sealed record BlockParts
{
    public required IReadOnlyList<LinearSpec> Linears { get; init; }

    /// <summary>Norm weights, convolution taps, router: parameters that are not linear modules' own.</summary>
    public required IReadOnlyList<ParameterSpec> Others { get; init; }

    /// <summary>Tensors that are read but are no parameters of transformers' model: training leaves them alone, weight decay included.</summary>
    public IReadOnlyList<ParameterSpec> Buffers { get; init; } = [];

    /// <summary>Linear modules of one expert, for each expert; streamed apart, when chosen.</summary>
    public IReadOnlyList<IReadOnlyList<LinearSpec>> Experts { get; init; } = [];

    /// <summary>Adapters on single experts exist for this family (PEFT knows none for LFM2).</summary>
    public bool ExpertsAdaptable { get; init; } = true;

    /// <summary>The fused names that transformers 5 gives the experts' matrices, which PEFT's target_parameters use; null without experts.</summary>
    public FusedExperts? Fused { get; init; }

    /// <summary>Parameters of the block's own unit, in the order in which they are used.</summary>
    public IEnumerable<ParameterSpec> Parameters() => Others.Concat(Linears.SelectMany(linear => linear.Parameters()));

    /// <summary>All that the block's own unit streams.</summary>
    public IEnumerable<ParameterSpec> Streamed() => Parameters().Concat(Buffers);
}

/// <summary>How the matrices of single experts form transformers' fused parameters [experts, out, in].</summary>
/// <param name="Parent">Module that holds the fused parameters, such as <c>mlp.experts</c>.</param>
/// <param name="Gate">Name format of an expert's gate projection, with {0} for its number.</param>
public sealed record FusedExperts(string Parent, string Gate, string Up, string Down, long Hidden, long Inner);
