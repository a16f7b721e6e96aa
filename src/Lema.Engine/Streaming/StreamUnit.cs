using Lema.Engine.Weights;

namespace Lema.Engine.Streaming;

/// <summary>Rows [FirstRow, FirstRow + RowCount) of a tensor: the whole tensor, or a tile of a matrix too large for one slot.</summary>
public sealed record TensorSlice(TensorEntry Tensor, long FirstRow, long RowCount)
{
    public TensorSlice(TensorEntry tensor) : this(tensor, 0, tensor.Shape.Count == 0 ? 1 : tensor.Shape[0]) { }

    public long ByteCount => Tensor.Shape.Count == 0 ? Tensor.ByteCount : RowCount * Tensor.RowByteCount;
}

/// <summary>
/// What one lease brings in: a decoder block, the experts of a block one by one, the final norm, or a tile of the output head. A family
/// divides its model into units; the streamer knows nothing else about it.
/// </summary>
/// <param name="Name">For messages and telemetry, such as <c>layers.3</c> or <c>layers.3.experts.7</c>.</param>
/// <param name="Slices">The tensors (or tiles) of the unit. The streamer serves each as a view of its slot, aligned to 64 bytes.</param>
public sealed record StreamUnit(string Name, IReadOnlyList<TensorSlice> Slices)
{
    public long ByteCount => Slices.Sum(slice => slice.ByteCount);
}
