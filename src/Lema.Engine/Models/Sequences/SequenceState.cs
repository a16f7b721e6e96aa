using static TorchSharp.torch;

namespace Lema.Engine.Models.Sequences;

/// <summary>What a model remembers of one sequence while it generates: for each attention layer the keys and values, for each convolution the last inputs.</summary>
/// <param name="capacity">Tokens that the state is made for.</param>
/// <param name="chunkTokens">Tokens of a chunk of keys and values.</param>
public sealed class SequenceState(int layers, int capacity, KeyValuePool pool, int chunkTokens = SequenceState.DefaultChunkTokens) : IDisposable
{
    /// <summary>As many tokens as attention takes at once.</summary>
    public const int DefaultChunkTokens = 1024;

    private readonly KeyValueCache?[] _caches = new KeyValueCache?[layers];
    private readonly Tensor?[] _tails = new Tensor?[layers];

    public int Capacity { get; } = capacity;

    public int ChunkTokens { get; } = chunkTokens;

    /// <summary>Bytes of keys and values that one more token takes in all layers together.</summary>
    public long TokenBytes => _caches.Sum(cache => cache?.TokenBytes ?? 0);

    /// <summary>Keys and values of an attention layer.</summary>
    public KeyValueCache Cache(int layer) => _caches[layer] ??= new(Capacity, ChunkTokens, pool);

    /// <summary>The last inputs of a convolution, [taps - 1, channels], or null at the start of a sequence.</summary>
    public Tensor? Tail(int layer) => _tails[layer];

    public void SetTail(int layer, Tensor tail)
    {
        Tensor copy = tail.clone().DetachFromDisposeScope();
        _tails[layer]?.Dispose();
        _tails[layer] = copy;
    }

    public void Dispose()
    {
        foreach (KeyValueCache? cache in _caches) cache?.Dispose();
        foreach (Tensor? tensor in _tails) tensor?.Dispose();
    }
}
