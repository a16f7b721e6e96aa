using TorchSharp;

namespace Lema.Engine.Streaming;

/// <summary>
/// The right to use one unit while it is in a slot. Disposing it gives the slot back, after which the views must not be used: the bytes under them
/// will be another unit's.
/// </summary>
public sealed class UnitLease(StreamUnit unit, IReadOnlyDictionary<string, torch.Tensor> views, Action release) : IDisposable
{
    private Action? _release = release;

    public StreamUnit Unit { get; } = unit;

    /// <summary>
    /// View of a tensor by its name in the index, in the stored type, on the device; for a slice, the slice's rows. Owned by the slot: neither
    /// dispose nor write to it. Not part of any dispose scope.
    /// </summary>
    public torch.Tensor this[string name]
    {
        get
        {
            ObjectDisposedException.ThrowIf(_release is null, this);
            return views[name];
        }
    }

    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
