namespace Lema.Engine.Streaming;

/// <summary>A unit on its way into a slot, in pieces that several threads read. Guarded by the stream's lock.</summary>
internal sealed class UnitLoad
{
    private readonly Queue<Extent> _pieces = new();

    /// <param name="pieceBytes">A multiple of the page size.</param>
    public UnitLoad(HostSlot slot, UnitLayout layout, int pieceBytes)
    {
        Slot = slot;
        Layout = layout;
        foreach (Extent extent in layout.Extents) Cut(extent, pieceBytes);
        Unfinished = _pieces.Count;
    }

    public HostSlot Slot { get; }

    public UnitLayout Layout { get; }

    /// <summary>Pieces that are not read yet, taken or not.</summary>
    public int Unfinished { get; set; }

    public bool HasPieces => _pieces.Count > 0;

    public Extent TakePiece() => _pieces.Dequeue();

    /// <summary>Every cut lies on a page border of the file, so that no two pieces share a page.</summary>
    private void Cut(Extent extent, int pieceBytes)
    {
        for (long done = 0; done < extent.ByteCount;)
        {
            long inPage = (extent.FileOffset + done) % HostBuffer.Alignment;
            long count = Math.Min(pieceBytes - inPage, extent.ByteCount - done);
            _pieces.Enqueue(extent with { FileOffset = extent.FileOffset + done, SlotOffset = extent.SlotOffset + done, ByteCount = count });
            done += count;
        }
    }
}
