using Lema.Engine.Devices;
using TorchSharp;

namespace Lema.Engine.Streaming;

/// <summary>One preallocated buffer and the unit in it. All state is guarded by the stream's lock.</summary>
internal sealed class Slot(HostBuffer buffer, int? pinnedUnit)
{
    public HostBuffer Buffer { get; } = buffer;

    /// <summary>The only unit that ever lies here, for a pinned one.</summary>
    public int? PinnedUnit { get; } = pinnedUnit;

    /// <summary>The unit that is here or on its way; -1 for none.</summary>
    public int Unit { get; private set; } = -1;

    public bool Ready { get; private set; }

    public int Leases { get; set; }

    public IReadOnlyDictionary<string, torch.Tensor> Views { get; private set; } = new Dictionary<string, torch.Tensor>();

    public bool Loading => Unit >= 0 && !Ready;

    /// <summary>Whether another unit may be loaded over what is here.</summary>
    public bool Evictable => PinnedUnit is null && Leases == 0 && !Loading;

    public void BeginLoad(int unit)
    {
        DropViews();
        Unit = unit;
        Ready = false;
    }

    public void EndLoad(IReadOnlyDictionary<string, torch.Tensor> views)
    {
        Views = views;
        Ready = true;
    }

    /// <summary>Views of the unit's tensors over this slot's memory.</summary>
    public IReadOnlyDictionary<string, torch.Tensor> MakeViews(UnitLayout layout)
    {
        Dictionary<string, torch.Tensor> views = new(StringComparer.Ordinal);
        for (int index = 0; index < layout.Offsets.Count; index++)
        {
            TensorSlice slice = layout.Unit.Slices[index];
            long[] shape = [.. slice.Tensor.Shape];
            if (shape.Length > 0) shape[0] = slice.RowCount;
            views.Add(slice.Tensor.Name, TensorMemory.View(Buffer.Address + (nint)layout.Offsets[index], slice.Tensor.Type, shape));
        }
        return views;
    }

    public void DropViews()
    {
        foreach (torch.Tensor view in Views.Values) view.Dispose();
        Views = new Dictionary<string, torch.Tensor>();
    }
}
