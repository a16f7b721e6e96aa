namespace Lema.Engine.Streaming;

/// <summary>A run of bytes of a file and its place in a slot.</summary>
/// <param name="InPlace">
/// Whether the run lies in the slot as it lies in the file's pages, with the rest of its first and last page to spare, so that whole pages can be read
/// into the slot.
/// </param>
internal readonly record struct Extent(string File, long FileOffset, long SlotOffset, long ByteCount, bool InPlace);

/// <summary>
/// Where each tensor of a unit lies in a slot. A .safetensors file has no holes, so tensors lie on disk at any offset; here each starts at a
/// multiple of 64 bytes, and always at the same one, so that kernels take the same path on every visit and results are bit-equal.
/// </summary>
internal sealed class UnitLayout
{
    public const int ViewAlignment = 64;

    /// <summary>Runs below this are packed: pages around them would cost more than they spare.</summary>
    private const long LeastInPlaceBytes = 1 << 18;

    private readonly long[] _offsets;
    private readonly List<Extent> _extents = [];

    public UnitLayout(StreamUnit unit)
    {
        Unit = unit;
        _offsets = new long[unit.Slices.Count];
        foreach (TensorSlice slice in unit.Slices) Check(slice);
        // In the order of the file, whatever that of the unit: a unit of a prepared model is then one run.
        int[] order = [.. Enumerable.Range(0, unit.Slices.Count).OrderBy(index => unit.Slices[index].Tensor.File, StringComparer.Ordinal).ThenBy(index => FileOffset(unit.Slices[index]))];
        long end = 0;
        for (int first = 0; first < order.Length;)
        {
            int count = RunLength(order.AsSpan(first));
            end = Place(order.AsSpan(first, count), end);
            first += count;
        }
        ByteCount = Up(end, HostBuffer.Alignment);
    }

    public StreamUnit Unit { get; }

    /// <summary>Start of each slice in the slot, in the order of the unit.</summary>
    public IReadOnlyList<long> Offsets => _offsets;

    /// <summary>What to read.</summary>
    public IReadOnlyList<Extent> Extents => _extents;

    /// <summary>Bytes of a slot that holds the unit, a multiple of the page size.</summary>
    public long ByteCount { get; }

    /// <summary>Slices from the first on that follow each other in the file, each aligned as a view has to be.</summary>
    private int RunLength(ReadOnlySpan<int> slices)
    {
        int count = 1;
        if (FileOffset(Unit.Slices[slices[0]]) % ViewAlignment != 0) return count;
        for (; count < slices.Length; count++)
        {
            TensorSlice last = Unit.Slices[slices[count - 1]], next = Unit.Slices[slices[count]];
            if (next.Tensor.File != last.Tensor.File || FileOffset(next) != FileOffset(last) + last.ByteCount || FileOffset(next) % ViewAlignment != 0) break;
        }
        return count;
    }

    private long Place(ReadOnlySpan<int> run, long end)
    {
        TensorSlice head = Unit.Slices[run[0]];
        long fileOffset = FileOffset(head);
        long bytes = 0;
        foreach (int index in run) bytes += Unit.Slices[index].ByteCount;
        bool inPlace = bytes >= LeastInPlaceBytes && fileOffset % ViewAlignment == 0;
        long start = inPlace ? Up(end, HostBuffer.Alignment) + fileOffset % HostBuffer.Alignment : Up(end, ViewAlignment);
        long offset = start;
        foreach (int index in run)
        {
            _offsets[index] = offset;
            offset += Unit.Slices[index].ByteCount;
        }
        if (bytes > 0) _extents.Add(new Extent(head.Tensor.File, fileOffset, start, bytes, inPlace));
        return inPlace ? Up(offset, HostBuffer.Alignment) : offset;
    }

    private static long FileOffset(TensorSlice slice) => slice.Tensor.Offset + slice.FirstRow * slice.Tensor.RowByteCount;

    private static long Up(long value, long alignment) => (value + alignment - 1) / alignment * alignment;

    private void Check(TensorSlice slice)
    {
        long rows = slice.Tensor.Shape.Count == 0 ? 1 : slice.Tensor.Shape[0];
        if (slice.FirstRow < 0 || slice.RowCount < 0 || slice.FirstRow > rows - slice.RowCount)
            throw new ArgumentException($"{Unit.Name}: rows {slice.FirstRow} to {slice.FirstRow + slice.RowCount} of {slice.Tensor.Name}, which has {rows}.");
    }
}
