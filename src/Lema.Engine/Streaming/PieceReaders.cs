namespace Lema.Engine.Streaming;

/// <summary>Threads that read pieces of units into their slots, as long as they are handed some. They live as long as the stream that they read for.</summary>
internal sealed class PieceReaders
{
    private readonly Func<PieceReader> _open;
    private readonly Func<(UnitLoad Load, Extent Piece)?> _take;
    private readonly Action<UnitLoad, Extent> _done;
    private readonly Action<Exception> _failed;
    private readonly Thread[] _threads;

    /// <param name="open">Makes the reader of one thread.</param>
    /// <param name="take">Blocks until there is a piece to read; null ends the thread that asked.</param>
    /// <param name="done">Told of each piece that is in its slot.</param>
    /// <param name="failed">Told of a piece that could not be read, or whose end threw.</param>
    public PieceReaders(int threads, Func<PieceReader> open, Func<(UnitLoad Load, Extent Piece)?> take, Action<UnitLoad, Extent> done, Action<Exception> failed)
    {
        (_open, _take, _done, _failed) = (open, take, done, failed);
        _threads = [.. Enumerable.Range(0, threads).Select(index => new Thread(Read) { IsBackground = true, Name = $"weight reader {index}" })];
        foreach (Thread thread in _threads) thread.Start();
    }

    /// <summary>Waits until every thread has been told that there is nothing more.</summary>
    public void Join()
    {
        foreach (Thread thread in _threads) thread.Join();
    }

    private void Read()
    {
        using PieceReader reader = _open();
        while (_take() is var (load, piece))
        {
            try
            {
                reader.Read(piece, load.Slot.Buffer);
                _done(load, piece);
            }
            catch (Exception error)
            {
                _failed(error);
            }
        }
    }
}
