using Lema.Engine.Models;
using static TorchSharp.torch;

namespace Lema.Engine.Adapters;

/// <summary>
/// The low-rank update of one linear module (Hu et al. 2021): W x + scale * B A x, and with a magnitude m (DoRA, Liu et al. 2024)
/// m / |W + scale B A| times that, row by row. Tensors are float32 views of trained parameters, taken when they are first used.
/// </summary>
/// <param name="A">[rank, in]</param>
/// <param name="B">[out, rank]</param>
/// <param name="GradientA">Accumulator of A's gradient.</param>
/// <param name="GradientB">Accumulator of B's gradient.</param>
/// <param name="Scale">alpha / rank, or alpha / sqrt(rank) with rslora.</param>
/// <param name="Dropout">Probability with which an element of the update's input is zeroed in training.</param>
/// <param name="Magnitude">[out] DoRA's m; null without DoRA.</param>
public sealed record LoraModule(
    Lazy<Tensor> A, Lazy<Tensor> B, Lazy<Tensor> GradientA, Lazy<Tensor> GradientB, double Scale, double Dropout = 0, TrainedParameter? Magnitude = null)
{
    public static LoraModule Of(TrainedParameter a, TrainedParameter b, double scale, double dropout = 0, TrainedParameter? magnitude = null) =>
        new(new(() => a.Value), new(() => b.Value), new(() => a.Gradient), new(() => b.Gradient), scale, dropout, magnitude);

    /// <summary>Row norms of W + scale B A, [out], float32; a constant of the backward pass by definition of PEFT. W: [out, in].</summary>
    public Tensor RowNorm(Tensor weight)
    {
        using var scope = NewDisposeScope();
        const int RowsAtOnce = 1024;
        List<Tensor> norms = [];
        for (long row = 0; row < weight.size(0); row += RowsAtOnce)
        {
            long count = Math.Min(RowsAtOnce, weight.size(0) - row);
            Tensor rows = B.Value.narrow(0, row, count).mm(A.Value).mul_(Scale).add_(weight.narrow(0, row, count));
            norms.Add(rows.square().sum(1).sqrt_());
        }
        return cat(norms, 0).MoveToOuterDisposeScope();
    }
}
