using Lema.Engine.Devices;
using Lema.Engine.Errors;
using Lema.Engine.Streaming;
using Lema.Engine.Weights;
using static TorchSharp.torch;

namespace Lema.Engine.Merging;

/// <summary>
/// Makes the tensors of the merged model tile by tile, as their base is read: some rows in float32, the update added, one rounding. A tile and what is computed from it
/// stay in a core's cache, and no matrix is ever held whole. Call within no_grad.
/// </summary>
/// <param name="writer">Receives the merged bytes, in the order of the tiles.</param>
internal sealed class TensorMerge(SafetensorsWriter writer)
{
    private const int TileElements = 1 << 17;

    private byte[] _sums = [];

    /// <summary>The tiles of one tensor, to be worked on in order.</summary>
    public IEnumerable<MergeTile> Tiles(MergedTensor tensor) => tensor.Update switch
    {
        LowRankUpdate { Transposed: false, Lora.Magnitude: null } update when LowRankSum.Supports(tensor.Source.Type) && LowRankSum.Supports(tensor.Type) => Summed(tensor, update),
        LowRankUpdate update => Merged(tensor, update),
        Replacement replacement => Replaced(tensor, replacement.Value),
        _ => Copied(tensor),
    };

    private IEnumerable<MergeTile> Copied(MergedTensor tensor) => TensorPiece.OfElements(tensor.Source, TileBytes(tensor.Source)).Select(piece => new MergeTile(piece.Place, bytes =>
    {
        if (tensor.Type == tensor.Source.Type) writer.Write(bytes);
        else Write(tensor, TensorMemory.Copy(bytes, tensor.Source.Type));
    }));

    /// <summary>A trained value in place of the base's, of which nothing is read.</summary>
    private IEnumerable<MergeTile> Replaced(MergedTensor tensor, Tensor value)
    {
        FilePiece nothing = new(tensor.Source.File, 0, 0);
        for (long first = 0; first < value.numel(); first += TileElements)
        {
            (long start, long count) = (first, Math.Min(TileElements, value.numel() - first));
            yield return new MergeTile(nothing, _ => Write(tensor, value.reshape(-1).narrow(0, start, count)));
        }
    }

    /// <summary>The usual case, in one pass over the bytes.</summary>
    private IEnumerable<MergeTile> Summed(MergedTensor tensor, LowRankUpdate update)
    {
        LowRankSum sum = new(update.Lora.A.Value, update.Lora.B.Value, update.Lora.Scale);
        return TensorPiece.OfRows(tensor.Source, TileBytes(tensor.Source)).Select(piece => new MergeTile(piece.Place, bytes =>
        {
            int size = (int)(bytes.Length * tensor.Spec.ByteCount / tensor.Source.ByteCount);
            if (_sums.Length < size) _sums = new byte[size];
            sum.Add(bytes, tensor.Source.Type, FirstRow(piece), _sums.AsSpan(0, size), tensor.Type);
            writer.Write(_sums.AsSpan(0, size));
        }));
    }

    private IEnumerable<MergeTile> Merged(MergedTensor tensor, LowRankUpdate update)
    {
        RowMerge merge = new(update);
        TensorPiece[] pieces = [.. TensorPiece.OfRows(tensor.Source, TileBytes(tensor.Source))];
        if (merge.NeedsNorms)
        {
            foreach (TensorPiece piece in pieces) yield return new MergeTile(piece.Place, bytes => merge.Measure(Rows(piece, bytes), FirstRow(piece)));
        }
        foreach (TensorPiece piece in pieces) yield return new MergeTile(piece.Place, bytes => Write(tensor, merge.Apply(Rows(piece, bytes), FirstRow(piece))));
    }

    private void Write(MergedTensor tensor, Tensor rows)
    {
        Tensor rounded = rows.to(tensor.Type);
        if (tensor.Type == ScalarType.Float16 && rounded.isinf().any().item<bool>())
            throw new InvalidInputException("merge", tensor.Name, "a merged value is beyond the range of float16; merge with the float32 type instead");
        writer.Write(TensorMemory.Bytes(rounded));
    }

    /// <summary>[n, columns] in float32, in memory of their own.</summary>
    private static Tensor Rows(TensorPiece piece, ReadOnlySpan<byte> bytes) => TensorMemory.Copy(bytes, piece.Tensor.Type).to(ScalarType.Float32).view(-1, piece.Tensor.Shape[1]);

    private static long FirstRow(TensorPiece piece) => piece.Offset / piece.Tensor.RowByteCount;

    private static int TileBytes(TensorEntry source) => (int)(TileElements * (source.ByteCount / Math.Max(1, source.Shape.Aggregate(1L, (product, size) => product * size))));
}

/// <summary>Work on some rows of a base tensor.</summary>
/// <param name="Place">What has to be read for it; nothing for a tile of which all is known.</param>
internal sealed record MergeTile(FilePiece Place, MergeTile.Action Use)
{
    public delegate void Action(ReadOnlySpan<byte> bytes);
}
