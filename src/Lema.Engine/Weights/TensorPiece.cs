using Lema.Engine.Streaming;

namespace Lema.Engine.Weights;

/// <summary>A run of bytes of a stored tensor that is read and worked on at once.</summary>
/// <param name="Offset">First byte, counted from the tensor's.</param>
internal readonly record struct TensorPiece(TensorEntry Tensor, long Offset, int ByteCount)
{
    private const int LargestElementBytes = 8;

    public FilePiece Place => new(Tensor.File, Tensor.Offset + Offset, ByteCount);

    /// <summary>Divides a tensor into pieces of whole elements.</summary>
    public static IEnumerable<TensorPiece> OfElements(TensorEntry tensor, int mostBytes) => Divide(tensor, mostBytes, LargestElementBytes);

    /// <summary>Divides a matrix into pieces of whole rows, at least one row each.</summary>
    public static IEnumerable<TensorPiece> OfRows(TensorEntry tensor, int mostBytes) => Divide(tensor, mostBytes, tensor.RowByteCount);

    private static IEnumerable<TensorPiece> Divide(TensorEntry tensor, int mostBytes, long unitBytes)
    {
        long bytes = Math.Max(unitBytes, mostBytes / unitBytes * unitBytes);
        for (long offset = 0; offset < tensor.ByteCount; offset += bytes) yield return new TensorPiece(tensor, offset, checked((int)Math.Min(bytes, tensor.ByteCount - offset)));
    }
}
