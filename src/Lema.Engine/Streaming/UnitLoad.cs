namespace Lema.Engine.Streaming;

/// <summary>A unit on its way into a slot, in pieces that several threads read. Guarded by the stream's lock.</summary>
internal sealed class UnitLoad
{
    private readonly Queue<Extent> _pieces = new();

    public UnitLoad(Slot slot, UnitLayout layout, int pieceBytes)
    {
        Slot = slot;
        Layout = layout;
        foreach (Extent extent in layout.Extents)
        {
            for (long done = 0; done < extent.ByteCount; done += pieceBytes)
            {
                _pieces.Enqueue(new Extent(extent.File, extent.FileOffset + done, extent.SlotOffset + done, Math.Min(pieceBytes, extent.ByteCount - done)));
            }
        }
        Unfinished = _pieces.Count;
    }

    public Slot Slot { get; }

    public UnitLayout Layout { get; }

    /// <summary>Pieces that are not read yet, taken or not.</summary>
    public int Unfinished { get; set; }

    public bool HasPieces => _pieces.Count > 0;

    public Extent TakePiece() => _pieces.Dequeue();
}
