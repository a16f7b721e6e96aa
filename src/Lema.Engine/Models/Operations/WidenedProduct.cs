using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>
/// Products of 16-bit matrices on a processor that only multiplies float32: operands are widened tile by tile, multiplied and summed in float32 and rounded once, as instructions
/// for the type do it.
/// </summary>
internal static class WidenedProduct
{
    // Of a tile of either operand and of the output. A tile costs as long to widen as it takes part in some thirty rows of products, so it should meet hundreds.
    private const long TileElements = 1 << 21;

    // Of the sum's terms: with fewer the tiles of the output grow and with them what is added again and again, with more they are too narrow.
    private const long TileInner = 1 << 11;

    public const long TemporaryBytes = 3 * TileElements * sizeof(float);

    /// <inheritdoc cref="MatrixProduct.Multiply"/>
    public static Tensor Multiply(Tensor left, Tensor right)
    {
        if (left.dim() == 3) return Batched(left, right);
        Tensor output = empty([left.size(0), right.size(1)], left.dtype);
        Fill(output, left, right, adds: false);
        return output;
    }

    /// <inheritdoc cref="MatrixProduct.MultiplyAdd"/>
    public static Tensor MultiplyAdd(Tensor addend, Tensor left, Tensor right)
    {
        Fill(addend, left, right, adds: true);
        return addend;
    }

    private static Tensor Batched(Tensor left, Tensor right)
    {
        (long batch, long rows, long inner, long columns) = (left.size(0), left.size(1), left.size(2), right.size(2));
        Tensor output = empty([batch, rows, columns], left.dtype);
        using var scope = NewDisposeScope();
        long largest = Math.Max(Math.Max(rows * inner, inner * columns), Math.Max(1, rows * columns));
        if (largest > TileElements)
        {
            for (long i = 0; i < batch; i++) Fill(output.select(0, i), left.select(0, i), right.select(0, i), adds: false);
            return output;
        }
        long together = TileElements / largest;
        for (long first = 0; first < batch; first += together)
        {
            using var tileScope = NewDisposeScope();
            Tensor Widened(Tensor matrices) => matrices.narrow(0, first, Math.Min(together, batch - first)).to(ScalarType.Float32);
            output.narrow(0, first, Math.Min(together, batch - first)).copy_(Widened(left).bmm(Widened(right)));
        }
        return output;
    }

    private static void Fill(Tensor output, Tensor left, Tensor right, bool adds)
    {
        (long rows, long inner, long columns) = (left.size(0), left.size(1), right.size(1));
        long tileInner = Math.Clamp(inner, 1, TileInner), tileColumns = Math.Clamp(columns, 1, TileElements / tileInner);
        long tileRows = TileElements / Math.Max(tileInner, tileColumns);
        for (long row = 0; row < rows; row += tileRows)
        {
            long rowCount = Math.Min(tileRows, rows - row);
            for (long column = 0; column < columns; column += tileColumns)
            {
                using var scope = NewDisposeScope();
                long columnCount = Math.Min(tileColumns, columns - column);
                Tensor target = output.narrow(0, row, rowCount).narrow(1, column, columnCount);
                Tensor? sum = null;
                // Once even without terms, whose sum is zero.
                for (long term = 0; term < inner || sum is null; term += tileInner)
                {
                    long termCount = Math.Min(tileInner, inner - term);
                    Tensor a = left.narrow(0, row, rowCount).narrow(1, term, termCount).to(ScalarType.Float32);
                    Tensor b = right.narrow(0, term, termCount).narrow(1, column, columnCount).to(ScalarType.Float32);
                    sum = sum?.addmm_(a, b, 1, 1) ?? a.mm(b);
                }
                target.copy_(adds ? sum.add_(target) : sum);
            }
        }
    }
}
