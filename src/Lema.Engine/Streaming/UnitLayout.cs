namespace Lema.Engine.Streaming;

/// <summary>A run of bytes of a file and its place in a slot.</summary>
internal readonly record struct Extent(string File, long FileOffset, long SlotOffset, long ByteCount);

/// <summary>
/// Where each tensor of a unit lies in a slot. A .safetensors file has no holes, so tensors lie on disk at any offset; here each starts at a
/// multiple of 64 bytes, and always at the same one, so that kernels take the same path on every visit and results are bit-equal.
/// </summary>
internal sealed class UnitLayout
{
    public const int ViewAlignment = 64;

    public UnitLayout(StreamUnit unit)
    {
        Unit = unit;
        long end = 0;
        List<long> offsets = [];
        List<Extent> extents = [];
        foreach (TensorSlice slice in unit.Slices)
        {
            Check(unit, slice);
            long start = (end + ViewAlignment - 1) / ViewAlignment * ViewAlignment;
            long fileOffset = slice.Tensor.Offset + slice.FirstRow * slice.Tensor.RowByteCount;
            offsets.Add(start);
            end = start + slice.ByteCount;
            if (slice.ByteCount == 0) continue;
            if (extents is [.., { } last] && last.File == slice.Tensor.File && last.FileOffset + last.ByteCount == fileOffset && last.SlotOffset + last.ByteCount == start)
                extents[^1] = last with { ByteCount = last.ByteCount + slice.ByteCount };
            else
                extents.Add(new Extent(slice.Tensor.File, fileOffset, start, slice.ByteCount));
        }
        Offsets = offsets;
        Extents = extents;
        ByteCount = (end + HostBuffer.Alignment - 1) / HostBuffer.Alignment * HostBuffer.Alignment;
    }

    public StreamUnit Unit { get; }

    /// <summary>Start of each slice in the slot, in the order of the unit.</summary>
    public IReadOnlyList<long> Offsets { get; }

    /// <summary>What to read, neighbours merged.</summary>
    public IReadOnlyList<Extent> Extents { get; }

    /// <summary>Bytes of a slot that holds the unit, a multiple of the page size.</summary>
    public long ByteCount { get; }

    private static void Check(StreamUnit unit, TensorSlice slice)
    {
        long rows = slice.Tensor.Shape.Count == 0 ? 1 : slice.Tensor.Shape[0];
        if (slice.FirstRow < 0 || slice.RowCount < 0 || slice.FirstRow > rows - slice.RowCount)
            throw new ArgumentException($"{unit.Name}: rows {slice.FirstRow} to {slice.FirstRow + slice.RowCount} of {slice.Tensor.Name}, which has {rows}.");
    }
}
