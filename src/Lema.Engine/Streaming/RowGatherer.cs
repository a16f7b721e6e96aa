using Lema.Engine.Devices;
using Lema.Engine.Weights;
using TorchSharp;

namespace Lema.Engine.Streaming;

/// <summary>Collects rows of a matrix by positional reads, so that the embedding needs no slot.</summary>
internal sealed class RowGatherer(ModelFiles files)
{
    /// <summary>[n] row numbers -> [n, columns] in the stored type, in the caller's dispose scope.</summary>
    public torch.Tensor Gather(TensorEntry matrix, ReadOnlySpan<long> rows)
    {
        if (matrix.Shape.Count != 2) throw new ArgumentException($"{matrix.Name} is not a matrix.", nameof(matrix));
        foreach (long row in rows)
        {
            if ((ulong)row >= (ulong)matrix.Shape[0]) throw new ArgumentOutOfRangeException(nameof(rows), row, $"{matrix.Name} has {matrix.Shape[0]} rows.");
        }
        torch.Tensor gathered = torch.empty(rows.Length, matrix.Shape[1], dtype: matrix.Type);
        nint target = TensorMemory.Pointer(gathered);
        int rowBytes = checked((int)matrix.RowByteCount);
        PositionalFile file = files[matrix.File];
        Dictionary<long, int> first = [];
        for (int index = 0; index < rows.Length; index++)
        {
            Span<byte> place = Row(target, index, rowBytes);
            if (first.TryGetValue(rows[index], out int earlier)) Row(target, earlier, rowBytes).CopyTo(place);
            else file.Fill(place, matrix.Offset + rows[index] * rowBytes);
            first.TryAdd(rows[index], index);
        }
        return gathered;
    }

    private static unsafe Span<byte> Row(nint target, int index, int rowBytes) => new((void*)(target + (nint)index * rowBytes), rowBytes);
}
