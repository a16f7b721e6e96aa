namespace Lema.Engine.Streaming;

/// <summary>A run of bytes of a file.</summary>
internal readonly record struct FilePiece(string File, long Offset, int ByteCount);

/// <summary>
/// Reads pieces one after another, past the page cache where the file system can, the next one while the caller works on this one. Two buffers,
/// whatever the length of the files.
/// </summary>
internal sealed class ReadAhead(ModelFiles files, int pieceBytes) : IDisposable
{
    // The pages that a piece begins and ends in are read whole.
    private readonly HostBuffer[] _buffers = [new(pieceBytes + 2 * HostBuffer.Alignment), new(pieceBytes + 2 * HostBuffer.Alignment)];

    /// <summary>Hands each piece's bytes to an action, in order.</summary>
    /// <exception cref="Errors.StorageException">A file could not be read or is shorter than it was.</exception>
    public void ForEach(IEnumerable<FilePiece> pieces, SpanAction use)
    {
        int turn = 0;
        Task reading = Task.CompletedTask;
        FilePiece? current = null;
        try
        {
            foreach (FilePiece next in pieces)
            {
                reading.GetAwaiter().GetResult();
                HostBuffer target = _buffers[turn ^= 1];
                reading = Task.Run(() => Read(next, target));
                if (current is { } ready) use(Bytes(ready, _buffers[turn ^ 1]));
                current = next;
            }
            reading.GetAwaiter().GetResult();
            if (current is { } last) use(Bytes(last, _buffers[turn]));
        }
        finally
        {
            // The buffers must outlive a read that is under way when the action throws.
            ((IAsyncResult)reading).AsyncWaitHandle.WaitOne();
        }
    }

    public void Dispose()
    {
        foreach (HostBuffer buffer in _buffers) buffer.Dispose();
    }

    public delegate void SpanAction(ReadOnlySpan<byte> bytes);

    private static Span<byte> Bytes(FilePiece piece, HostBuffer buffer) => buffer.Span(piece.Offset % HostBuffer.Alignment, piece.ByteCount);

    private void Read(FilePiece piece, HostBuffer buffer)
    {
        if (files.Direct(piece.File) is not { } direct)
        {
            files[piece.File].Fill(Bytes(piece, buffer), piece.Offset);
            return;
        }
        int before = (int)(piece.Offset % HostBuffer.Alignment);
        int needed = before + piece.ByteCount;
        int whole = (needed + HostBuffer.Alignment - 1) / HostBuffer.Alignment * HostBuffer.Alignment;
        direct.Fill(buffer.Span(0, whole), piece.Offset - before, needed);
    }
}
