using Lema.Engine.Errors;

namespace Lema.Engine.Streaming;

/// <summary>
/// Appends to a new file of known length, past the page cache where the file system can: full buffers go to the disk while the caller fills the next one.
/// </summary>
internal sealed class WriteBehind : IDisposable
{
    private const int BufferBytes = 8 << 20;
    private const int Buffers = 2;

    private readonly DirectWriter _file;
    private readonly WorkThread _writer = new("lema write behind");
    private readonly long _length;
    private readonly HostBuffer[] _buffers;
    private readonly Task[] _writes;
    private readonly int _bufferBytes;
    private long _start;
    private int _current, _filled;

    /// <param name="path">Created; what was there before is replaced.</param>
    /// <param name="length">Bytes that will be appended; their place on the disk is taken at once.</param>
    /// <exception cref="StorageException">The disk is full, or the operating system refused.</exception>
    public WriteBehind(string path, long length)
    {
        _length = length;
        _bufferBytes = (int)Math.Min(BufferBytes, PageEnd(Math.Max(length, 1)));
        _file = DirectWriter.Create(path, length);
        int buffers = length > BufferBytes ? Buffers : 1;
        _buffers = [.. Enumerable.Range(0, buffers).Select(_ => new HostBuffer(_bufferBytes))];
        _writes = [.. Enumerable.Repeat(Task.CompletedTask, buffers)];
    }

    /// <summary>Bytes appended so far.</summary>
    public long Position => _start + _filled;

    /// <exception cref="StorageException">The disk is full or refuses; may concern bytes of an earlier call.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _length - Position) throw new InvalidOperationException($"More than the {_length} bytes that were announced.");
        while (bytes.Length > 0)
        {
            int count = Math.Min(bytes.Length, _bufferBytes - _filled);
            bytes[..count].CopyTo(_buffers[_current].Span(_filled, count));
            _filled += count;
            bytes = bytes[count..];
            if (_filled == _bufferBytes) Write();
        }
    }

    /// <summary>Returns when everything is on the disk itself.</summary>
    /// <exception cref="InvalidOperationException">Bytes are missing.</exception>
    /// <exception cref="StorageException">The disk is full or refuses.</exception>
    public void Complete()
    {
        if (Position != _length) throw new InvalidOperationException($"{Position} of {_length} bytes were written.");
        if (_filled > 0) Write();
        foreach (Task write in _writes) write.GetAwaiter().GetResult();
        _file.Complete(_length);
    }

    public void Dispose()
    {
        _writer.Dispose();
        foreach (HostBuffer buffer in _buffers) buffer.Dispose();
        _file.Dispose();
    }

    private void Write()
    {
        HostBuffer buffer = _buffers[_current];
        (long start, int whole) = (_start, (int)PageEnd(_filled));
        buffer.Span(_filled, whole - _filled).Clear();
        _writes[_current] = _writer.Run(() => _file.Write(buffer.Span(0, whole), start));
        (_start, _filled, _current) = (_start + _filled, 0, (_current + 1) % _buffers.Length);
        _writes[_current].GetAwaiter().GetResult();
    }

    private static long PageEnd(long bytes) => (bytes + HostBuffer.Alignment - 1) / HostBuffer.Alignment * HostBuffer.Alignment;
}
