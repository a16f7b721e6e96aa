using static TorchSharp.torch;

namespace Lema.Engine.Models;

/// <summary>Rotary tables and attention masks, computed once and shared by all layers and passes of a job.</summary>
public sealed class PassConstants : IDisposable
{
    private readonly Dictionary<object, Tensor> _tensors = [];

    /// <summary>Tensors that are kept.</summary>
    public int Count => _tensors.Count;

    public Tensor Get(object key, Func<Tensor> compute)
    {
        if (_tensors.TryGetValue(key, out Tensor? tensor)) return tensor;
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        return _tensors[key] = compute().DetachFromDisposeScope();
    }

    public void Dispose()
    {
        foreach (Tensor tensor in _tensors.Values) tensor.Dispose();
        _tensors.Clear();
    }
}
