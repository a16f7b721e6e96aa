using Lema.Engine.Devices;
using Lema.Engine.Errors;
using Lema.Engine.Streaming;
using static TorchSharp.torch;

namespace Lema.Engine.Training;

/// <summary>
/// Boundary activations in a file, written and read past the page cache. A thread of its own writes while the next block computes and reads ahead in
/// the reverse order, so two buffers in memory are enough. The file has no name while it is used and is gone with the process.
/// </summary>
public sealed class FileBoundaryStore : IBoundaryStore
{
    private readonly DirectWriter _file;
    private readonly Dictionary<(int Block, int MicroBatch), Place> _places = [];
    private readonly Stack<(int Block, int MicroBatch)> _written = new();
    private long _end;
    private HostBuffer? _writeBuffer;
    private HostBuffer? _readBuffer;
    private Task _write = Task.CompletedTask;
    private ((int Block, int MicroBatch) Key, Task Read)? _ahead;

    /// <param name="folder">On the disk to use; needs room for the boundaries of a step.</param>
    /// <exception cref="StorageException">The file could not be made.</exception>
    public FileBoundaryStore(string folder)
    {
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, $".boundaries-{Environment.ProcessId}-{Guid.NewGuid():N}");
        _file = DirectWriter.Create(path);
        File.Delete(path);
    }

    public void Put(int block, int microBatch, Tensor activation)
    {
        using Tensor flat = activation.contiguous();
        activation.Dispose();
        int bytes = checked((int)TensorMemory.ByteCount(flat));
        int whole = (bytes + HostBuffer.Alignment - 1) / HostBuffer.Alignment * HostBuffer.Alignment;
        _write.Wait();
        HostBuffer buffer = Sized(ref _writeBuffer, whole);
        TensorMemory.Bytes(flat).CopyTo(buffer.Span(0, bytes));
        long offset = _end;
        _end += whole;
        _places.Add((block, microBatch), new Place(offset, bytes, whole, flat.dtype, flat.shape));
        _written.Push((block, microBatch));
        _write = Task.Run(() => _file.Write(buffer.Span(0, whole), offset));
    }

    public Tensor Take(int block, int microBatch)
    {
        (int, int) key = (block, microBatch);
        if (!_places.Remove(key, out Place? place)) throw new InvalidOperationException($"No boundary of block {block}, micro-batch {microBatch}.");
        _write.GetAwaiter().GetResult();
        if (_ahead is { } ahead && ahead.Key == key) ahead.Read.GetAwaiter().GetResult();
        else
        {
            _ahead?.Read.Wait();
            Read(place);
        }
        Tensor activation = empty(place.Shape, dtype: place.Type);
        _readBuffer!.Span(0, place.ByteCount).CopyTo(TensorMemory.Bytes(activation));
        ReadAhead(key);
        if (_places.Count == 0) _end = 0;
        return activation;
    }

    public void Dispose()
    {
        try
        {
            Task.WaitAll(_ahead is { } ahead ? [_write, ahead.Read] : [_write]);
        }
        catch (AggregateException)
        {
            // The step that needed the bytes has failed with it already, or needs them no more.
        }
        _writeBuffer?.Dispose();
        _readBuffer?.Dispose();
        _file.Dispose();
    }

    private static HostBuffer Sized(ref HostBuffer? buffer, long bytes)
    {
        if (buffer is not null && buffer.ByteCount >= bytes) return buffer;
        buffer?.Dispose();
        return buffer = new HostBuffer(bytes);
    }

    private void Read(Place place) => _file.Read(Sized(ref _readBuffer, place.WholeBytes).Span(0, place.WholeBytes), place.Offset);

    /// <summary>The backward pass takes blocks in reverse, and within a block micro-batches as they were put.</summary>
    private void ReadAhead((int Block, int MicroBatch) taken)
    {
        _ahead = null;
        (int Block, int MicroBatch) next = (taken.Block, taken.MicroBatch + 1);
        if (!_places.ContainsKey(next))
        {
            while (_written.TryPeek(out var last) && !_places.ContainsKey(last)) _written.Pop();
            if (_written.Count == 0) return;
            next = (_written.Peek().Block, 0);
        }
        if (_places.TryGetValue(next, out Place? place)) _ahead = (next, Task.Run(() => Read(place)));
    }

    private sealed record Place(long Offset, int ByteCount, int WholeBytes, ScalarType Type, long[] Shape);
}
