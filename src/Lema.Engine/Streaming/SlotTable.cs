namespace Lema.Engine.Streaming;

/// <summary>
/// Which unit lies in which slot, and which slot gives way: the one whose unit is needed last (Belady 1966), which the schedule tells. Guarded by
/// the lock of the stream that owns it.
/// </summary>
internal sealed class SlotTable<TSlot>(IReadOnlyList<TSlot> slots, int unitCount) where TSlot : Slot
{
    private readonly TSlot?[] _slotOf = PinnedSlots(slots, unitCount);
    private int _current = Slot.Empty;
    private bool _descends;

    public IReadOnlyList<TSlot> Slots { get; } = slots;

    public VisitSchedule Schedule { get; set; } = new([]);

    /// <summary>
    /// The unit a visit waits for, or <see cref="Slot.Empty"/>. Between the end of its load and its lease nobody holds it, and it may be in no
    /// announcement: without this it would be the first to go.
    /// </summary>
    public int Awaited { get; private set; } = Slot.Empty;

    /// <summary>Every unit has a slot of its own.</summary>
    public bool AllPinned { get; } = slots.Count(slot => slot.PinnedUnit is not null) == unitCount;

    public bool AnyLoading => Slots.Any(slot => slot.Loading);

    /// <summary>Whether a visit waits for a unit that no slot was found for yet: prefetches have to stand back.</summary>
    public bool AwaitsSlot => Awaited != Slot.Empty && Find(Awaited) is null;

    /// <summary>A visit begins to wait.</summary>
    /// <exception cref="InvalidOperationException">Another waits already: it would lose its slot to this one.</exception>
    public void BeginWait(int unit)
    {
        if (Awaited != Slot.Empty) throw new InvalidOperationException($"A visit of unit {Awaited} waits; a stream is used by one thread.");
        Awaited = unit;
    }

    public void EndWait() => Awaited = Slot.Empty;

    /// <summary>The slot that a unit is in or on its way to.</summary>
    public TSlot? Find(int unit) => _slotOf[unit] is { } slot && slot.Unit == unit ? slot : null;

    public TSlot? FindReady(int unit) => Find(unit) is { Ready: true } slot ? slot : null;

    /// <summary>
    /// The slot to load a unit into: its own when it is pinned, else an empty one, else the one whose unit is needed last, and later than
    /// <paramref name="position"/> of the schedule unless any may go. Null when there is none.
    /// </summary>
    public TSlot? Choose(int unit, int position, bool evictAny)
    {
        if (_slotOf[unit] is { PinnedUnit: not null } own) return own;
        TSlot? best = null;
        int bestUse = -1;
        foreach (TSlot slot in Slots)
        {
            if (!slot.Evictable || (slot.Unit == Awaited && slot.Unit != Slot.Empty)) continue;
            if (slot.Unit == Slot.Empty) return slot;
            int use = Schedule.NextUse(slot.Unit);
            if (use <= bestUse || (!evictAny && use <= position)) continue;
            best = slot;
            bestUse = use;
        }
        return best;
    }

    /// <summary>The visit that needs the slot's unit is made.</summary>
    public void Lease(TSlot slot)
    {
        slot.Leases++;
        Schedule.Made(slot.Unit);
        if (slot.Unit == _current) return;
        _descends = slot.Unit < _current;
        _current = slot.Unit;
    }

    public StreamPicture Picture(bool onDevice) =>
        new([.. Slots.Select(slot => new SlotPicture(onDevice, slot.State, slot.Unit, slot.ByteCount))], Slots.Any(slot => slot.Leases > 0) ? _current : Slot.Empty, _descends);

    /// <summary>The unit is on its way to the slot; what was there is gone.</summary>
    public void Assign(TSlot slot, int unit)
    {
        if (slot.PinnedUnit is null && slot.Unit != Slot.Empty) _slotOf[slot.Unit] = null;
        slot.BeginLoad(unit);
        _slotOf[unit] = slot;
    }

    private static TSlot?[] PinnedSlots(IReadOnlyList<TSlot> slots, int unitCount)
    {
        TSlot?[] slotOf = new TSlot?[unitCount];
        foreach (TSlot slot in slots)
        {
            if (slot.PinnedUnit is { } unit) slotOf[unit] = slot;
        }
        return slotOf;
    }
}
