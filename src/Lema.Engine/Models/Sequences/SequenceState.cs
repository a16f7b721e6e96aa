using static TorchSharp.torch;

namespace Lema.Engine.Models;

/// <summary>What a model remembers of one sequence while it generates: for each attention layer the keys and values, for each convolution the last inputs.</summary>
public sealed class SequenceState(int layers, int capacity) : IDisposable
{
    private readonly Tensor?[] _keys = new Tensor?[layers], _values = new Tensor?[layers], _tails = new Tensor?[layers];
    private readonly int[] _lengths = new int[layers];

    /// <summary>Tokens that the state was made for.</summary>
    public int Capacity { get; } = capacity;

    /// <summary>Tokens whose keys and values are held, the same for every attention layer between passes.</summary>
    public int Length(int layer) => _lengths[layer];

    public long ByteCount => _keys.Concat(_values).Concat(_tails).Sum(tensor => tensor is null ? 0 : tensor.NumberOfElements * tensor.ElementSize);

    /// <summary>Makes room for more tokens and returns the whole buffers, [capacity, kv heads, head dim], and the tokens that were there before.</summary>
    /// <param name="like">Keys of the tokens to come, for type and shape; values have the same.</param>
    public (Tensor Keys, Tensor Values, int Past) Extend(int layer, Tensor like, int added)
    {
        int past = _lengths[layer];
        if (past + added > Capacity) throw new InvalidOperationException($"A sequence of {past + added} tokens does not fit a state of {Capacity}.");
        _lengths[layer] = past + added;
        return (_keys[layer] ??= New(like), _values[layer] ??= New(like), past);
    }

    /// <summary>Appends keys and values [tokens, kv heads, head dim] and returns all of them so far, [length, kv heads, head dim].</summary>
    public (Tensor Keys, Tensor Values) Append(int layer, Tensor keys, Tensor values)
    {
        int added = (int)keys.shape[0];
        (Tensor allKeys, Tensor allValues, int past) = Extend(layer, keys, added);
        allKeys.narrow(0, past, added).copy_(keys);
        allValues.narrow(0, past, added).copy_(values);
        return (allKeys.narrow(0, 0, past + added), allValues.narrow(0, 0, past + added));
    }

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
        foreach (Tensor? tensor in _keys.Concat(_values).Concat(_tails)) tensor?.Dispose();
    }

    private Tensor New(Tensor like) => empty([Capacity, .. like.shape[1..]], like.dtype, like.device).DetachFromDisposeScope();
}
