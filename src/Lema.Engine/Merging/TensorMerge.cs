using Lema.Engine.Devices;
using Lema.Engine.Errors;
using Lema.Engine.Streaming;
using Lema.Engine.Weights;
using static TorchSharp.torch;

namespace Lema.Engine.Merging;

/// <summary>
/// Makes the tensors of the merged model and hands them to a writer tile by tile: some rows of the base in float32, the update added, one rounding. No matrix is ever
/// held whole. Call within no_grad.
/// </summary>
internal sealed class TensorMerge(ModelFiles files) : IDisposable
{
    private const int TileBytes = 16 << 20;

    private readonly HostBuffer _buffer = new(TileBytes);

    /// <exception cref="InvalidInputException">A merged value is beyond the range of the stored type.</exception>
    public void Write(MergedTensor tensor, SafetensorsWriter writer, Action<long> onBytes, CancellationToken stop)
    {
        if (tensor.Update is null && tensor.Type == tensor.Source.Type) Copy(tensor.Source, writer, onBytes, stop);
        else if (tensor.Update is LowRankUpdate update) Merge(tensor, update, writer, onBytes, stop);
        else Convert(tensor, (tensor.Update as Replacement)?.Value, writer, onBytes, stop);
    }

    public void Dispose() => _buffer.Dispose();

    private void Copy(TensorEntry source, SafetensorsWriter writer, Action<long> onBytes, CancellationToken stop)
    {
        for (long offset = 0; offset < source.ByteCount; offset += TileBytes)
        {
            stop.ThrowIfCancellationRequested();
            Span<byte> piece = _buffer.Span(0, (int)Math.Min(TileBytes, source.ByteCount - offset));
            files[source.File].Fill(piece, source.Offset + offset);
            writer.Write(piece);
            onBytes(piece.Length);
        }
    }

    private void Merge(MergedTensor tensor, LowRankUpdate update, SafetensorsWriter writer, Action<long> onBytes, CancellationToken stop)
    {
        using Tensor? norms = update.Transposed && update.Lora.Magnitude is not null ? Norms(tensor.Source, update) : null;
        RowMerge merge = new(update, norms);
        foreach ((long first, long count) in Tiles(tensor.Source))
        {
            stop.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            Write(tensor, merge.Apply(Read(tensor.Source, first, count), first), writer, onBytes);
        }
    }

    /// <summary>A copy in another type, or a trained value in place of the base's.</summary>
    private void Convert(MergedTensor tensor, Tensor? value, SafetensorsWriter writer, Action<long> onBytes, CancellationToken stop)
    {
        foreach ((long first, long count) in Tiles(tensor.Source))
        {
            stop.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            Write(tensor, value is null ? Read(tensor.Source, first, count) : value.narrow(0, first, count), writer, onBytes);
        }
    }

    private static void Write(MergedTensor tensor, Tensor rows, SafetensorsWriter writer, Action<long> onBytes)
    {
        Tensor rounded = rows.to(tensor.Type).contiguous();
        if (tensor.Type == ScalarType.Float16 && rounded.isinf().any().item<bool>())
            throw new InvalidInputException("merge", tensor.Name, "a merged value is beyond the range of float16; merge with the float32 type instead");
        writer.Write(TensorMemory.Bytes(rounded));
        onBytes(TensorMemory.ByteCount(rounded));
    }

    /// <summary>[out] norms of the updated matrix' outputs, in a pass of its own: a tile of a transposed matrix holds only a part of each.</summary>
    private Tensor Norms(TensorEntry source, LowRankUpdate update)
    {
        using var scope = NewDisposeScope();
        RowMerge merge = new(update, null);
        Tensor sums = zeros(source.Shape[1]);
        foreach ((long first, long count) in Tiles(source))
        {
            using var tileScope = NewDisposeScope();
            sums.add_(merge.SquareSums(Read(source, first, count), first));
        }
        return sums.sqrt_().DetachFromDisposeScope();
    }

    /// <summary>Rows of a base tensor, float32, in memory of their own.</summary>
    private Tensor Read(TensorEntry source, long first, long count)
    {
        Span<byte> bytes = _buffer.Span(0, checked((int)(count * source.RowByteCount)));
        files[source.File].Fill(bytes, source.Offset + first * source.RowByteCount);
        using Tensor stored = TensorMemory.View(_buffer.Address, source.Type, [count, .. source.Shape.Skip(1)]);
        return stored.to(ScalarType.Float32, copy: true);
    }

    private static long Rows(TensorEntry source) => source.Shape.Count == 0 ? 1 : source.Shape[0];

    /// <summary>Runs of rows that take no more than the buffer's size in float32.</summary>
    private static IEnumerable<(long First, long Count)> Tiles(TensorEntry source)
    {
        long rows = Rows(source), rowElements = Math.Max(1, source.Shape.Skip(1).Aggregate(1L, (product, size) => product * size));
        long most = Math.Max(1, TileBytes / sizeof(float) / rowElements);
        for (long first = 0; first < rows; first += most) yield return (first, Math.Min(most, rows - first));
    }
}
