using Lema.Engine.Adapters;
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
/// <param name="adapters">What was trained, of which one layer is in memory at a time.</param>
/// <param name="writer">Receives the merged bytes, in the order of the tiles.</param>
internal sealed class TensorMerge(AdapterWeights adapters, SafetensorsWriter writer)
{
    private const int TileElements = 1 << 17;

    private byte[] _sums = [];
    private int? _layer;

    /// <summary>The tiles of one tensor, to be worked on in order.</summary>
    public IEnumerable<MergeTile> Tiles(MergedTensor tensor) => tensor.Update switch
    {
        LowRankUpdate { Transposed: false, Lora.Magnitude: null } update when LowRankSum.Supports(tensor.Source.Type) && LowRankSum.Supports(tensor.Type) => Summed(tensor, update),
        LowRankUpdate update => Merged(tensor, update),
        Replacement replacement => Copied(tensor, replacement.Stored),
        _ => Copied(tensor, tensor.Source),
    };

    /// <summary>The base's value, or a trained one in its place.</summary>
    private IEnumerable<MergeTile> Copied(MergedTensor tensor, TensorEntry value) => TensorPiece.OfElements(value, TileBytes(value)).Select(piece => new MergeTile(piece.Place, bytes =>
    {
        if (tensor.Type == value.Type) writer.Write(bytes);
        else Write(tensor, TensorMemory.Copy(bytes, value.Type));
    }));

    /// <summary>The usual case, in one pass over the bytes.</summary>
    private IEnumerable<MergeTile> Summed(MergedTensor tensor, LowRankUpdate update)
    {
        LowRankSum? sum = null;
        return TensorPiece.OfRows(tensor.Source, TileBytes(tensor.Source)).Select(piece => new MergeTile(piece.Place, bytes =>
        {
            // Tiles are asked for before their turn comes: what they need is made in their turn.
            if (sum is null)
            {
                KeepOnly(update.Layer);
                sum = new LowRankSum(update.Lora.A, update.Lora.B, update.Lora.Scale);
            }
            int size = (int)(bytes.Length * tensor.Spec.ByteCount / tensor.Source.ByteCount);
            if (_sums.Length < size) _sums = new byte[size];
            sum.Add(bytes, tensor.Source.Type, FirstRow(piece), _sums.AsSpan(0, size), tensor.Type);
            writer.Write(_sums.AsSpan(0, size));
            if (piece.Offset + piece.ByteCount == tensor.Source.ByteCount) sum.Dispose();
        }));
    }

    // A base's files mostly go layer by layer: each part of the adapter is read once.
    private void KeepOnly(int layer)
    {
        if (_layer == layer) return;
        foreach (int other in adapters.Parameters.Select(parameter => parameter.Layer).Distinct().Where(other => other != layer)) adapters.Release(other);
        _layer = layer;
    }

    private IEnumerable<MergeTile> Merged(MergedTensor tensor, LowRankUpdate update)
    {
        RowMerge merge = new(update);
        TensorPiece[] pieces = [.. TensorPiece.OfRows(tensor.Source, TileBytes(tensor.Source))];
        if (merge.NeedsNorms)
        {
            foreach (TensorPiece piece in pieces) yield return Tile(piece, (rows, first) => merge.Measure(rows, first));
        }
        foreach (TensorPiece piece in pieces) yield return Tile(piece, (rows, first) => Write(tensor, merge.Apply(rows, first)));

        MergeTile Tile(TensorPiece piece, Action<Tensor, long> use) => new(piece.Place, bytes =>
        {
            KeepOnly(update.Layer);
            use(Rows(piece, bytes), FirstRow(piece));
        });
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
/// <param name="Place">What has to be read for it.</param>
internal sealed record MergeTile(FilePiece Place, MergeTile.Action Use)
{
    public delegate void Action(ReadOnlySpan<byte> bytes);
}
