using Lema.Engine.Adapters;
using static TorchSharp.torch;

namespace Lema.Engine.Merging;

/// <summary>
/// Adds a low-rank update to some rows of a stored matrix, in float32 and in PEFT's order of operations: W + (B A) * scale, and with a magnitude m (DoRA)
/// m / |row| times that, row by row of the [out, in] matrix.
/// </summary>
internal sealed class RowMerge(LowRankUpdate update)
{
    private Tensor? _squareSums;

    private LoraModule Lora => update.Lora;

    /// <summary>The matrix has to pass <see cref="Measure"/> first: a tile of a transposed matrix holds only a part of each output.</summary>
    public bool NeedsNorms => update.Transposed && Lora.Magnitude is not null;

    /// <summary>Adds to the [out] norms of the updated matrix' outputs. rows: as in <see cref="Apply"/>.</summary>
    public void Measure(Tensor rows, long first)
    {
        Tensor sums = Updated(rows, first).square().sum([0L]);
        if (_squareSums is null) _squareSums = sums.DetachFromDisposeScope();
        else _squareSums.add_(sums);
    }

    /// <summary>rows: float32, rows [first, first + n) of the stored matrix, overwritten.</summary>
    public Tensor Apply(Tensor rows, long first)
    {
        Updated(rows, first);
        if (Lora.Magnitude is not { } magnitude) return rows;
        return update.Transposed
            ? rows.mul_(magnitude.Value.div(_squareSums!.sqrt()).unsqueeze(0))
            : rows.mul_(magnitude.Value.narrow(0, first, rows.size(0)).div(rows.square().sum(1).sqrt_()).unsqueeze(1));
    }

    private Tensor Updated(Tensor rows, long first)
    {
        long count = rows.size(0);
        // [n, r] x [r, in] -> [n, in], or of a transposed matrix [n, r] x [r, out] -> [n, out]
        Tensor product = update.Transposed ? Lora.A.narrow(1, first, count).t().mm(Lora.B.t()) : Lora.B.narrow(0, first, count).mm(Lora.A);
        return rows.add_(product.mul_(Lora.Scale));
    }
}
