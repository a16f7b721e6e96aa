using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>
/// Products of 16-bit matrices on a processor that only multiplies float32: operands are widened tile by tile, multiplied and summed in float32 and rounded once, as instructions
/// for the type do it.
/// </summary>
internal static class WidenedProduct
{
    // Of a tile of either operand and of the output. Widening one takes as long as some fifteen rows of products with it, so it should meet hundreds.
    private const long TileElements = 1 << 21;

    // Of the sum's terms: with fewer the tiles of the output grow and with them what is added again and again, with more they are too narrow.
    private const long TileInner = 1 << 11;

    // Kept from product to product: made anew each time they would be most of what a step allocates.
    [ThreadStatic] private static Tile? s_left, s_right, s_sum;

    // Three that are kept, and the output of a batch.
    public const long TemporaryBytes = 4 * TileElements * sizeof(float);

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
            long count = Math.Min(together, batch - first);
            Tensor a = Widened(ref s_left, left.narrow(0, first, count)), b = Widened(ref s_right, right.narrow(0, first, count));
            output.narrow(0, first, count).copy_(a.bmm(b));
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
                Tensor target = output.narrow(0, row, rowCount).narrow(1, column, columnCount), sum = (s_sum ??= new()).Of([rowCount, columnCount]);
                if (adds) sum.copy_(target);
                // Once even without terms, whose sum is zero.
                for (long term = 0; term == 0 || term < inner; term += tileInner)
                {
                    long termCount = Math.Min(tileInner, inner - term);
                    Tensor a = Widened(ref s_left, left.narrow(0, row, rowCount).narrow(1, term, termCount));
                    Tensor b = Widened(ref s_right, right.narrow(0, term, termCount).narrow(1, column, columnCount));
                    sum.addmm_(a, b, beta: term == 0 && !adds ? 0 : 1, alpha: 1);
                }
                target.copy_(sum);
            }
        }
    }

    /// <summary>A float32 copy. The order in memory stays: a transposed matrix is multiplied as one.</summary>
    private static Tensor Widened(ref Tile? tile, Tensor part)
    {
        int last = (int)part.dim() - 1;
        tile ??= new Tile();
        if (part.stride(last) != 1 && part.stride(last - 1) == 1) return tile.Of([.. part.shape[..(last - 1)], part.size(last), part.size(last - 1)]).transpose(last - 1, last).copy_(part);
        return tile.Of(part.shape).copy_(part);
    }

    /// <summary>Float32 memory that grows to the largest tensor asked for, one at a time.</summary>
    private sealed class Tile
    {
        private Tensor? _memory;

        public Tensor Of(long[] shape)
        {
            long elements = shape.Aggregate(1L, (product, size) => product * size);
            if (_memory is null || _memory.NumberOfElements < elements)
            {
                _memory?.Dispose();
                _memory = empty(elements, ScalarType.Float32).DetachFromDisposeScope();
            }
            return _memory.narrow(0, 0, elements).view(shape);
        }
    }
}
