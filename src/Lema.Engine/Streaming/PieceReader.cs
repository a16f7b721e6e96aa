namespace Lema.Engine.Streaming;

/// <summary>Brings pieces into slots, through the page cache or past it. One for each reader thread.</summary>
internal sealed class PieceReader(ModelFiles files, bool direct, int pieceBytes) : IDisposable
{
    private HostBuffer? _bounce;

    /// <exception cref="Errors.StorageException">The file could not be read or is shorter than it was.</exception>
    public void Read(Extent piece, HostBuffer slot)
    {
        if (direct && files.Direct(piece.File) is { } file) ReadDirect(file, piece, slot);
        else files[piece.File].Fill(slot.Span(piece.SlotOffset, (int)piece.ByteCount), piece.FileOffset);
    }

    public void Dispose() => _bounce?.Dispose();

    private void ReadDirect(DirectFile file, Extent piece, HostBuffer slot)
    {
        const int page = HostBuffer.Alignment;
        int before = (int)(piece.FileOffset % page);
        int needed = before + (int)piece.ByteCount;
        int whole = (needed + page - 1) / page * page;
        if (piece.InPlace)
        {
            file.Fill(slot.Span(piece.SlotOffset - before, whole), piece.FileOffset - before, needed);
            return;
        }
        _bounce ??= new HostBuffer(pieceBytes + page);
        file.Fill(_bounce.Span(0, whole), piece.FileOffset - before, needed);
        _bounce.Span(before, (int)piece.ByteCount).CopyTo(slot.Span(piece.SlotOffset, (int)piece.ByteCount));
    }
}
