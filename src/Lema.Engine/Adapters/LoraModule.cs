using Lema.Engine.Models;
using static TorchSharp.torch;

namespace Lema.Engine.Adapters;

/// <summary>
/// The low-rank update of one linear module (Hu et al. 2021): W x + scale * B A x, and with a magnitude m (DoRA, Liu et al. 2024)
/// m / |W + scale B A| times that, row by row. Tensors are trained parameters or float32 views of them, taken anew at each use, in the caller's dispose scope.
/// </summary>
public sealed class LoraModule(Func<Tensor> a, Func<Tensor> b, Func<Tensor> gradientA, Func<Tensor> gradientB)
{
    /// <summary>[rank, in]</summary>
    public Tensor A => a();

    /// <summary>[out, rank]</summary>
    public Tensor B => b();

    /// <summary>Accumulator of A's gradient.</summary>
    public Tensor GradientA => gradientA();

    /// <summary>Accumulator of B's gradient.</summary>
    public Tensor GradientB => gradientB();

    /// <summary>alpha / rank, or alpha / sqrt(rank) with rslora.</summary>
    public required double Scale { get; init; }

    /// <summary>Probability with which an element of the update's input is zeroed in training.</summary>
    public double Dropout { get; init; }

    /// <summary>Of A and B.</summary>
    public long ParameterCount
    {
        get
        {
            using var scope = NewDisposeScope();
            return A.numel() + B.numel();
        }
    }

    /// <summary>[out] DoRA's m; null without DoRA.</summary>
    public TrainedParameter? Magnitude { get; init; }

    public static LoraModule Of(TrainedParameter a, TrainedParameter b, double scale, double dropout = 0, TrainedParameter? magnitude = null) =>
        new(() => a.Value, () => b.Value, () => a.Gradient, () => b.Gradient) { Scale = scale, Dropout = dropout, Magnitude = magnitude };

    /// <summary>Row norms of W + scale B A, [out], float32; a constant of the backward pass by definition of PEFT. W: [out, in].</summary>
    public Tensor RowNorm(Tensor weight)
    {
        using var scope = NewDisposeScope();
        const int RowsAtOnce = 1024;
        List<Tensor> norms = [];
        (Tensor a, Tensor b) = (A, B);
        for (long row = 0; row < weight.size(0); row += RowsAtOnce)
        {
            long count = Math.Min(RowsAtOnce, weight.size(0) - row);
            Tensor rows = b.narrow(0, row, count).mm(a).mul_(Scale).add_(weight.narrow(0, row, count));
            norms.Add(rows.square().sum(1).sqrt_());
        }
        return cat(norms, 0).MoveToOuterDisposeScope();
    }
}
