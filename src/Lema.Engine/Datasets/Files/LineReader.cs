namespace Lema.Engine.Datasets.Files;

/// <summary>Reads lines as bytes: LF or CRLF, no limit but <see cref="LongestLineBytes"/>, a byte order mark skipped.</summary>
internal sealed class LineReader(Stream stream) : IDisposable
{
    public const int LongestLineBytes = 64 << 20;

    private byte[] _buffer = new byte[1 << 16];
    private int _start, _end;
    private bool _ended, _first = true;

    /// <summary>The number of the line read last, from 1.</summary>
    public long Line { get; private set; }

    /// <summary>The next line without its end, valid until the next call; false at the end of the file.</summary>
    /// <param name="tooLong">The line has more than <see cref="LongestLineBytes"/>; it was skipped.</param>
    public bool TryRead(out ReadOnlyMemory<byte> line, out bool tooLong)
    {
        (line, tooLong) = (default, false);
        int searched = 0;
        while (true)
        {
            int at = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf((byte)'\n');
            if (at >= 0)
            {
                Take(searched + at, 1, ref line, ref tooLong);
                return true;
            }
            searched = _end - _start;
            if (searched > LongestLineBytes) (tooLong, _start, searched) = (true, _end, 0);
            if (Fill()) continue;
            if (_end == _start && !tooLong) return false;
            Take(_end - _start, 0, ref line, ref tooLong);
            return true;
        }
    }

    public void Dispose() => stream.Dispose();

    private void Take(int length, int ending, ref ReadOnlyMemory<byte> line, ref bool tooLong)
    {
        tooLong |= length > LongestLineBytes;
        Line++;
        if (!tooLong) line = _buffer.AsMemory(_start, length);
        _start += length + ending;
        if (line.Length > 0 && line.Span[^1] == '\r') line = line[..^1];
        if (_first && line.Span.StartsWith("\uFEFF"u8)) line = line[3..];
        _first = false;
    }

    private bool Fill()
    {
        if (_ended) return false;
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        if (_end == _buffer.Length) Array.Resize(ref _buffer, _buffer.Length * 2);
        int read = stream.Read(_buffer, _end, _buffer.Length - _end);
        _end += read;
        _ended = read == 0;
        return read > 0;
    }
}
