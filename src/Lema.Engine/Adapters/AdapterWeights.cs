using Lema.Engine.Models;
using static TorchSharp.torch;

namespace Lema.Engine.Adapters;

/// <summary>
/// The trained tensors of a run on top of a frozen base: low-rank updates by module, and whole parameters by name (PEFT's modules_to_save, or full
/// fine-tuning). Float32, kept apart from the base weights; lives as long as the job.
/// </summary>
public sealed class AdapterWeights : IDisposable
{
    /// <summary>Every trained tensor, in a fixed order. Names are the keys of adapter_model.safetensors.</summary>
    public required IReadOnlyList<TrainedParameter> Parameters { get; init; }

    /// <summary>Low-rank updates by published module name.</summary>
    public required IReadOnlyDictionary<string, LoraModule> Modules { get; init; }

    /// <summary>Whole parameters by published tensor name, within blocks and final norm.</summary>
    public required IReadOnlyDictionary<string, TrainedParameter> Whole { get; init; }

    /// <summary>[vocabulary, hidden] trained token embedding; null: the frozen one.</summary>
    public TrainedParameter? Embedding { get; init; }

    /// <summary>[vocabulary, hidden] trained output matrix; null: the frozen one. The same object as <see cref="Embedding"/> where the two are one parameter.</summary>
    public TrainedParameter? Head { get; init; }

    /// <summary>Where the parameters live, when it has to be disposed with them.</summary>
    public IStateStorage? Storage { get; init; }

    /// <summary>A model without anything trained.</summary>
    public static AdapterWeights None { get; } = new()
    {
        Parameters = [],
        Modules = new Dictionary<string, LoraModule>(),
        Whole = new Dictionary<string, TrainedParameter>(),
    };

    /// <summary>The layer below which no gradient is needed: -1 the embedding, 0.. a block, the number of blocks the head.</summary>
    public int LowestLayer => Parameters.Count == 0 ? int.MaxValue : Parameters.Min(parameter => parameter.Layer);

    public long ParameterCount => Parameters.Sum(parameter => parameter.Value.NumberOfElements);

    /// <summary>Every parameter, with all that will be made for it, is in the memory of a device.</summary>
    public bool IsOn(Device device) => Storage is null && Parameters.All(parameter => parameter.Value.device_type == device.type);

    /// <summary>Moves every parameter that lives in memory into that of a device. Before anything has used it.</summary>
    public void MoveTo(Device device)
    {
        if (Storage is not null) return;
        foreach (TrainedParameter parameter in Parameters) parameter.MoveTo(device);
    }

    public void ZeroGradients()
    {
        using var noGrad = no_grad();
        foreach (TrainedParameter parameter in Parameters)
        {
            parameter.Gradient.zero_();
            parameter.Release();
        }
    }

    /// <summary>Says that the parameters of a layer are not used for a while.</summary>
    public void Release(int layer)
    {
        foreach (TrainedParameter parameter in Parameters.Where(parameter => parameter.Layer == layer)) parameter.Release();
    }

    public void Dispose()
    {
        foreach (TrainedParameter parameter in Parameters) parameter.Dispose();
        Storage?.Dispose();
    }
}
