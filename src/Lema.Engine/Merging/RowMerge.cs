using Lema.Engine.Adapters;
using static TorchSharp.torch;

namespace Lema.Engine.Merging;

/// <summary>
/// Adds a low-rank update to some rows of a stored matrix, in float32 and in PEFT's order of operations: W + (B A) * scale, and with a magnitude m (DoRA)
/// m / |row| times that, row by row of the [out, in] matrix.
/// </summary>
/// <param name="norms">[out] row norms, for a transposed matrix with a magnitude; else null.</param>
internal sealed class RowMerge(LowRankUpdate update, Tensor? norms)
{
    private LoraModule Lora => update.Lora;

    /// <summary>rows: float32, rows [first, first + n) of the stored matrix, overwritten.</summary>
    public Tensor Apply(Tensor rows, long first)
    {
        long count = rows.shape[0];
        if (!update.Transposed)
        {
            // [n, r] x [r, in] -> [n, in]
            rows.add_(Lora.B.narrow(0, first, count).mm(Lora.A).mul_(Lora.Scale));
            return Lora.Magnitude is { } magnitude ? rows.mul_(magnitude.Value.narrow(0, first, count).div(Norm(rows, 1)).unsqueeze(1)) : rows;
        }
        // [n, r] x [r, out] -> [n, out]
        rows.add_(Lora.A.narrow(1, first, count).t().mm(Lora.B.t()).mul_(Lora.Scale));
        return Lora.Magnitude is { } magnitudes ? rows.mul_(magnitudes.Value.div(norms!).unsqueeze(0)) : rows;
    }

    /// <summary>Squares of a transposed matrix' updated rows, summed for each output: [n, out] -> [out].</summary>
    public Tensor SquareSums(Tensor rows, long first) =>
        rows.add(Lora.A.narrow(1, first, rows.shape[0]).t().mm(Lora.B.t()).mul_(Lora.Scale)).square().sum(0);

    private static Tensor Norm(Tensor rows, long axis) => rows.square().sum(axis).sqrt_();
}
