using Lema.Engine.Datasets.Batches;
using Lema.Engine.Errors;
using Microsoft.Win32.SafeHandles;

namespace Lema.Engine.Datasets.Cache;

/// <summary>
/// Rows of a cache that is still being written, for datasets that are read in file order: training begins with the first rows while a thread of its own
/// tokenizes the others. A row that is not there yet is waited for; when a row proves wrong, whoever waits gets that error.
/// </summary>
internal sealed class GrowingRows : ITokenizedRows
{
    private const int RowsOfFlush = 256;

    private readonly object _lock = new();
    private readonly List<(long Offset, int Length)> _places = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly SafeFileHandle _tokens;
    private readonly Thread _thread;
    private int _flushed;
    private bool _ended;
    private Exception? _failure;

    /// <param name="count">How many rows there will be.</param>
    /// <param name="run">Tokenizes all rows in order, until stopped.</param>
    public GrowingRows(int count, TokenCacheWriter writer, Action<Action<TokenizedRow>, CancellationToken> run)
    {
        Count = count;
        _tokens = File.OpenHandle(writer.TokensFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        _thread = new Thread(() => Write(writer, run)) { IsBackground = true, Name = "tokenizing" };
        _thread.Start();
    }

    public int Count { get; }

    public int LengthOf(int index) => Place(index).Length;

    public TokenizedRow Read(int index)
    {
        (long offset, int length) = Place(index);
        return CachedRows.Read(_tokens, offset, length);
    }

    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        _tokens.Dispose();
        _stop.Dispose();
    }

    private void Write(TokenCacheWriter writer, Action<Action<TokenizedRow>, CancellationToken> run)
    {
        try
        {
            using (writer)
            {
                run(row => Add(writer, row), _stop.Token);
                writer.Commit();
            }
        }
        catch (Exception problem)
        {
            lock (_lock) _failure = problem;
        }
        lock (_lock)
        {
            if (_failure is null) _flushed = _places.Count;
            _ended = true;
            Monitor.PulseAll(_lock);
        }
    }

    private void Add(TokenCacheWriter writer, TokenizedRow row)
    {
        long offset = writer.Add(row);
        lock (_lock) _places.Add((offset, row.Length));
        if (writer.RowCount % RowsOfFlush != 0) return;
        writer.Flush();
        lock (_lock)
        {
            _flushed = _places.Count;
            Monitor.PulseAll(_lock);
        }
    }

    private (long Offset, int Length) Place(int index)
    {
        lock (_lock)
        {
            while (index >= _flushed && !_ended) Monitor.Wait(_lock);
            if (index < _flushed) return _places[index];
        }
        throw _failure switch
        {
            LemaException known => known,
            { } other => new InvalidOperationException("Tokenizing the dataset failed.", other),
            null => new InvalidOperationException($"The dataset was counted to have {Count} rows and has {_flushed}."),
        };
    }
}
