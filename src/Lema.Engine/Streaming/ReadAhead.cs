using System.Buffers;

namespace Lema.Engine.Streaming;

/// <summary>A run of bytes of a file.</summary>
internal readonly record struct FilePiece(string File, long Offset, int ByteCount)
{
    public long End => Offset + ByteCount;
}

/// <summary>
/// Reads pieces of files in order, past the page cache where the file system can, some calls ahead of the caller. Pieces that follow one another in a file are
/// read in one call. Few and small buffers, so that what was read is still in the processor's cache when it is used.
/// </summary>
internal sealed class ReadAhead : IDisposable
{
    private const int MostPieceBytes = 4 << 20;

    /// <summary>Calls at once: with one, a disk that also writes waits for the next between two of them.</summary>
    private const int Readers = 2;

    private readonly ModelFiles _files;
    private readonly WorkThread[] _readers = [.. Enumerable.Range(0, Readers).Select(_ => new WorkThread("lema read ahead"))];

    // One in use while the others are read into. The pages that a call begins and ends in are read whole.
    private readonly HostBuffer[] _buffers = [.. Enumerable.Range(0, Readers + 1).Select(_ => new HostBuffer(MostPieceBytes + 2 * HostBuffer.Alignment))];

    private int _calls;

    public ReadAhead(ModelFiles files) => _files = files;

    /// <summary>Hands the bytes of each item's piece to an action, in order; the action may change them. Items are asked for before their turn comes.</summary>
    /// <param name="place">Where an item lies: at most 4 MiB.</param>
    /// <exception cref="Errors.StorageException">A file could not be read or is shorter than it was.</exception>
    public void ForEach<T>(IEnumerable<T> items, Func<T, FilePiece> place, SpanAction<byte, T> use)
    {
        Queue<Call<T>> calls = new();
        Queue<HostBuffer> free = new(_buffers);
        using IEnumerator<Run<T>> runs = Run<T>.Of(items, place).GetEnumerator();
        try
        {
            while (true)
            {
                while (free.Count > 0 && runs.MoveNext()) calls.Enqueue(Start(runs.Current, free.Dequeue()));
                if (!calls.TryPeek(out Call<T>? call)) return;
                call.Read.GetAwaiter().GetResult();
                foreach (T item in call.Run.Items)
                {
                    FilePiece piece = place(item);
                    long skip = piece.Offset - call.Run.Piece.Offset + Before(call.Run.Piece);
                    use(call.Buffer.Span(skip, piece.ByteCount), item);
                }
                free.Enqueue(calls.Dequeue().Buffer);
            }
        }
        finally
        {
            // The buffers are free for the next round only when nothing is read into them.
            foreach (Call<T> call in calls) ((IAsyncResult)call.Read).AsyncWaitHandle.WaitOne();
        }
    }

    public void Dispose()
    {
        foreach (WorkThread reader in _readers) reader.Dispose();
        foreach (HostBuffer buffer in _buffers) buffer.Dispose();
    }

    private Call<T> Start<T>(Run<T> run, HostBuffer buffer) =>
        new(run, buffer, _readers[_calls++ % Readers].Run(() => Read(run.Piece, buffer)));

    /// <summary>Bytes of the first page that come before the piece.</summary>
    private static int Before(FilePiece piece) => (int)(piece.Offset % HostBuffer.Alignment);

    private void Read(FilePiece piece, HostBuffer buffer)
    {
        // Opened in either case, for its identity.
        Weights.PositionalFile buffered = _files[piece.File];
        int before = Before(piece), needed = before + piece.ByteCount;
        if (_files.Direct(piece.File) is { } direct)
        {
            int whole = (needed + HostBuffer.Alignment - 1) / HostBuffer.Alignment * HostBuffer.Alignment;
            direct.Fill(buffer.Span(0, whole), piece.Offset - before, needed);
        }
        else
        {
            buffered.Fill(buffer.Span(before, piece.ByteCount), piece.Offset);
        }
    }

    private sealed record Call<T>(Run<T> Run, HostBuffer Buffer, Task Read);

    /// <summary>Items whose pieces follow one another in a file.</summary>
    private sealed record Run<T>(FilePiece Piece, List<T> Items)
    {
        public static IEnumerable<Run<T>> Of(IEnumerable<T> items, Func<T, FilePiece> place)
        {
            Run<T>? run = null;
            foreach (T item in items)
            {
                FilePiece piece = place(item);
                if (run is { Piece: var whole } && piece.File == whole.File && piece.Offset == whole.End && whole.ByteCount + piece.ByteCount <= MostPieceBytes)
                {
                    run.Items.Add(item);
                    run = run with { Piece = whole with { ByteCount = whole.ByteCount + piece.ByteCount } };
                }
                else
                {
                    if (run is not null) yield return run;
                    run = new Run<T>(piece, [item]);
                }
            }
            if (run is not null) yield return run;
        }
    }
}
