using Lema.Engine.Adapters;
using Lema.Engine.Streaming;
using static TorchSharp.torch;

namespace Lema.Engine.Models;

/// <summary>
/// The parameters of one streamed unit during one visit, in the type that is computed in: frozen ones as views of the slot (cast once a visit where
/// the stored type differs), trained ones from their float32 masters. Long-lived; a visit is bracketed by <see cref="Attach"/> and <see cref="Detach"/>.
/// </summary>
public sealed class LayerWeights(
    string prefix, ScalarType computeType, Device device, IReadOnlyDictionary<string, TrainedParameter> trained, IReadOnlyDictionary<string, LoraModule> adapters)
{
    private readonly Dictionary<string, Tensor> _casts = [];
    private readonly Dictionary<int, LayerWeights> _experts = [];
    private Dictionary<string, Tensor>? _held;
    private UnitLease? _lease;
    private IExpertSource? _expertSource;

    public ScalarType ComputeType { get; } = computeType;

    /// <summary>Name of a tensor of this unit -> its value for computing. The suffix is completed by the unit's prefix.</summary>
    public Tensor this[string suffix]
    {
        get
        {
            string name = prefix + suffix;
            if (_casts.TryGetValue(name, out Tensor? cast)) return cast;
            Tensor source = trained.TryGetValue(name, out TrainedParameter? parameter)
                ? parameter.Value
                : (_lease ?? throw new InvalidOperationException($"{name} is used outside a visit."))[name];
            if (source.dtype == ComputeType && source.device_type == device.type) return source;
            return _casts[name] = source.to(ComputeType, device).DetachFromDisposeScope();
        }
    }

    /// <summary>The trained parameter of that name, or null where it is frozen.</summary>
    public TrainedParameter? Trained(string suffix) => trained.GetValueOrDefault(prefix + suffix);

    /// <summary>The adapter of a linear module, or null where there is none.</summary>
    public LoraModule? Adapter(string module) => adapters.GetValueOrDefault(prefix + module);

    /// <summary>A value derived from the adapter, computed once a visit, or once for all visits between <see cref="HoldAdapter"/> and <see cref="LetAdapterGo"/>.</summary>
    public Tensor OfAdapter(string key, Func<Tensor> compute)
    {
        Dictionary<string, Tensor> values = _held ?? _casts;
        if (values.TryGetValue(key, out Tensor? value)) return value;
        return values[key] = compute().DetachFromDisposeScope();
    }

    /// <summary>What is derived from the adapter is kept beyond the visit: nothing of it may change meanwhile.</summary>
    public void HoldAdapter() => _held ??= [];

    public void LetAdapterGo()
    {
        Clear(_held);
        _held = null;
    }

    public void Attach(UnitLease lease, IExpertSource? experts = null)
    {
        _lease = lease;
        _expertSource = experts;
    }

    public void Detach()
    {
        Clear(_casts);
        _lease?.Dispose();
        (_lease, _expertSource) = (null, null);
    }

    /// <summary>Announces the experts of this block that will be visited, in order.</summary>
    public void Announce(IEnumerable<int> experts) => _expertSource?.Announce(experts);

    /// <summary>Runs an action with the weights of one expert of this block on the device.</summary>
    public void WithExpert(int expert, Action<LayerWeights> action)
    {
        if (_expertSource is null) throw new InvalidOperationException($"{prefix}: no experts in this visit.");
        if (!_experts.TryGetValue(expert, out LayerWeights? weights))
            _experts[expert] = weights = new(prefix, ComputeType, device, trained, adapters);
        weights._held = _held;
        weights.Attach(_expertSource.Acquire(expert));
        try
        {
            action(weights);
        }
        finally
        {
            weights.Detach();
        }
    }

    private static void Clear(Dictionary<string, Tensor>? values)
    {
        if (values is null) return;
        foreach (Tensor value in values.Values) value.Dispose();
        values.Clear();
    }
}

/// <summary>Brings in single experts of one block.</summary>
public interface IExpertSource
{
    void Announce(IEnumerable<int> experts);

    UnitLease Acquire(int expert);
}
