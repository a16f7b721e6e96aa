using static TorchSharp.torch;

namespace Lema.Engine.Models;

/// <summary>Where the float32 state of a training lives: values, gradients, moments.</summary>
public interface IStateStorage : IDisposable
{
    /// <summary>A float32 tensor of zeros that lives as long as the storage.</summary>
    Tensor Zeros(IReadOnlyList<long> shape);

    /// <summary>Says that a tensor is not used for a while; its value stays.</summary>
    void Release(Tensor tensor);
}

/// <summary>State in the memory of a device.</summary>
public sealed class MemoryState(Device device) : IStateStorage
{
    public Tensor Zeros(IReadOnlyList<long> shape) => zeros([.. shape], device: device).DetachFromDisposeScope();

    public void Release(Tensor tensor)
    {
        // memory is where it lives
    }

    public void Dispose()
    {
        // its tensors are their users'
    }
}
