using Lema.Engine.Devices;
using TorchSharp;

namespace Lema.Engine.Streaming;

/// <summary>One preallocated buffer, in host or device memory, and the unit in it. All state is guarded by the stream's lock.</summary>
internal abstract class Slot(nint address, long byteCount, int? pinnedUnit)
{
    /// <summary>In place of a unit: the slot is empty.</summary>
    public const int Empty = -1;

    public nint Address { get; } = address;

    public long ByteCount { get; } = byteCount;

    /// <summary>The only unit that ever lies here, for a pinned one.</summary>
    public int? PinnedUnit { get; } = pinnedUnit;

    /// <summary>The unit that is here or on its way.</summary>
    public int Unit { get; private set; } = Empty;

    public bool Ready { get; private set; }

    public int Leases { get; set; }

    public IReadOnlyDictionary<string, torch.Tensor> Views { get; private set; } = new Dictionary<string, torch.Tensor>();

    public bool Loading => Unit != Empty && !Ready;

    public SlotState State => this switch
    {
        { Unit: Empty } => SlotState.Free,
        { Ready: false } => SlotState.Loading,
        { Leases: > 0 } => SlotState.Leased,
        { PinnedUnit: not null } => SlotState.Pinned,
        _ => SlotState.Ready,
    };

    /// <summary>Whether another unit may be loaded over what is here.</summary>
    public bool Evictable => PinnedUnit is null && Leases == 0 && !Loading;

    protected abstract torch.Tensor View(nint address, torch.ScalarType type, long[] shape);

    public void BeginLoad(int unit)
    {
        DropViews();
        Unit = unit;
        Ready = false;
    }

    public void EndLoad(UnitLayout layout)
    {
        Views = MakeViews(layout);
        Ready = true;
    }

    public void DropViews()
    {
        foreach (torch.Tensor view in Views.Values) view.Dispose();
        Views = new Dictionary<string, torch.Tensor>();
    }

    private Dictionary<string, torch.Tensor> MakeViews(UnitLayout layout)
    {
        Dictionary<string, torch.Tensor> views = new(StringComparer.Ordinal);
        for (int index = 0; index < layout.Offsets.Count; index++)
        {
            TensorSlice slice = layout.Unit.Slices[index];
            long[] shape = [.. slice.Tensor.Shape];
            if (shape.Length > 0) shape[0] = slice.RowCount;
            views.Add(slice.Tensor.Name, View(Address + (nint)layout.Offsets[index], slice.Tensor.Type, shape));
        }
        return views;
    }
}

/// <summary>A slot in host memory.</summary>
internal sealed class HostSlot(HostBuffer buffer, int? pinnedUnit) : Slot(buffer.Address, buffer.ByteCount, pinnedUnit)
{
    public HostBuffer Buffer { get; } = buffer;

    protected override torch.Tensor View(nint address, torch.ScalarType type, long[] shape) => TensorMemory.View(address, type, shape);
}

/// <summary>A slot in the memory of a device, with the events that guard it.</summary>
internal sealed class DeviceSlot(ICopyDevice device, long byteCount, int? pinnedUnit) : Slot(device.Allocate(byteCount), byteCount, pinnedUnit), IDisposable
{
    /// <summary>The last copy into the slot is complete.</summary>
    public IDeviceEvent Copied { get; } = device.CreateEvent();

    /// <summary>The computation of the last lease is complete.</summary>
    public IDeviceEvent Released { get; } = device.CreateEvent();

    protected override torch.Tensor View(nint address, torch.ScalarType type, long[] shape) => device.View(address, type, shape);

    public void Dispose()
    {
        DropViews();
        Copied.Dispose();
        Released.Dispose();
    }
}
