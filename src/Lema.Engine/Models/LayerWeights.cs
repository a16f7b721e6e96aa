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

    /// <summary>A value derived from weights, computed once a visit and kept until its end.</summary>
    public Tensor Derived(string key, Func<Tensor> compute)
    {
        if (_casts.TryGetValue(key, out Tensor? value)) return value;
        return _casts[key] = compute().DetachFromDisposeScope();
    }

    public void Attach(UnitLease lease, IExpertSource? experts = null)
    {
        _lease = lease;
        _expertSource = experts;
    }

    public void Detach()
    {
        foreach (Tensor cast in _casts.Values) cast.Dispose();
        _casts.Clear();
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
}

/// <summary>Brings in single experts of one block.</summary>
public interface IExpertSource
{
    void Announce(IEnumerable<int> experts);

    UnitLease Acquire(int expert);
}
