using Lema.Engine.Devices;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Sequences;

/// <summary>Keys and values of one sequence in one layer, in chunks of tokens that are made as the sequence grows and can leave the device one by one.</summary>
/// <param name="capacity">Tokens at the most.</param>
/// <param name="chunkTokens">Tokens of a chunk; the last one is as long as the capacity asks for.</param>
public sealed class KeyValueCache(int capacity, int chunkTokens, KeyValuePool pool) : IDisposable
{
    private readonly List<Chunk> _chunks = [];
    private readonly List<nint> _keyAddresses = [], _valueAddresses = [];

    public int Length { get; private set; }

    public int ChunkTokens => chunkTokens;

    /// <summary>Bytes of one token's keys and values.</summary>
    public long TokenBytes { get; private set; }

    /// <summary>Every chunk is on the device.</summary>
    public bool IsOnDevice => _chunks.TrueForAll(chunk => chunk.AwayKeys is null);

    /// <summary>Where the chunks' keys lie in host memory, [chunk tokens, key heads, d] each; 0 for a chunk that has left. Of use where the device is the processor.</summary>
    internal IReadOnlyList<nint> KeyAddresses => _keyAddresses;

    internal IReadOnlyList<nint> ValueAddresses => _valueAddresses;

    /// <summary>Appends keys and values, [tokens, key heads, d] each.</summary>
    public void Append(Tensor keys, Tensor values)
    {
        for (int done = 0, added = (int)keys.size(0); done < added;)
        {
            (Tensor lastKeys, Tensor lastValues, int offset) = Reserve(keys);
            int count = Math.Min(added - done, (int)lastKeys.size(0) - offset);
            lastKeys.narrow(0, offset, count).copy_(keys.narrow(0, done, count));
            lastValues.narrow(0, offset, count).copy_(values.narrow(0, done, count));
            Length += count;
            done += count;
        }
    }

    /// <summary>The place of the next token, for a caller that copies its row itself and then calls <see cref="Advance"/>.</summary>
    /// <param name="like">Keys to come, for type, shape and device; values have the same.</param>
    internal (Tensor Keys, Tensor Values, int Offset) Reserve(Tensor like)
    {
        if (Length >= capacity) throw new InvalidOperationException($"A sequence of more than {capacity} tokens does not fit.");
        int index = Length / chunkTokens;
        if (index == _chunks.Count)
        {
            long[] shape = [Math.Min(chunkTokens, capacity - Length), .. like.shape[1..]];
            TokenBytes = 2 * like.element_size() * shape[1..].Aggregate(1L, (product, size) => product * size);
            (Tensor keys, Tensor values) = (pool.Allocate(shape, like), pool.Allocate(shape, like));
            _chunks.Add(new Chunk { Keys = keys, Values = values });
            _keyAddresses.Add(TensorMemory.Pointer(keys));
            _valueAddresses.Add(TensorMemory.Pointer(values));
        }
        return (_chunks[index].Keys!, _chunks[index].Values!, Length % chunkTokens);
    }

    internal void Advance() => Length++;

    /// <summary>Sends full chunks away, the oldest first, while the pool is over its bound.</summary>
    /// <exception cref="Errors.StorageException">The disk is full or refuses.</exception>
    public void Trim()
    {
        if (!pool.IsOver) return;
        for (int index = 0; index < Length / chunkTokens && pool.IsOver; index++)
        {
            Chunk chunk = _chunks[index];
            if (chunk.AwayKeys is not null) continue;
            (chunk.AwayKeys, chunk.AwayValues) = (pool.Leave(chunk.Keys!), pool.Leave(chunk.Values!));
            chunk.Keys = chunk.Values = null;
            _keyAddresses[index] = _valueAddresses[index] = 0;
        }
    }

    /// <summary>Keys and values of tokens [from, from + count), which lie within one chunk, in the caller's dispose scope.</summary>
    public (Tensor Keys, Tensor Values) Read(long from, long count)
    {
        Chunk chunk = _chunks[(int)(from / chunkTokens)];
        Tensor keys = chunk.AwayKeys?.Bring() ?? chunk.Keys!, values = chunk.AwayValues?.Bring() ?? chunk.Values!;
        return (keys.narrow(0, from % chunkTokens, count), values.narrow(0, from % chunkTokens, count));
    }

    public void Dispose()
    {
        foreach (Chunk chunk in _chunks)
        {
            if (chunk.Keys is { } keys) pool.Free(keys);
            if (chunk.Values is { } values) pool.Free(values);
            if (chunk.AwayKeys is { } awayKeys) pool.Forget(awayKeys);
            if (chunk.AwayValues is { } awayValues) pool.Forget(awayValues);
        }
        _chunks.Clear();
        _keyAddresses.Clear();
        _valueAddresses.Clear();
    }

    private sealed class Chunk
    {
        public Tensor? Keys { get; set; }

        public Tensor? Values { get; set; }

        public IAwayTensor? AwayKeys { get; set; }

        public IAwayTensor? AwayValues { get; set; }
    }
}
