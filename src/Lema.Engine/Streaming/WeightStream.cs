using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Lema.Engine.Weights;
using TorchSharp;

namespace Lema.Engine.Streaming;

/// <summary>
/// Streams units from disk through a fixed set of slots. Reader threads fill slots in the order of the schedule; the slot whose unit is needed last
/// gives way. Units that fit beside the slots are pinned and read once.
/// </summary>
public sealed class WeightStream : IWeightStream
{
    private const int None = -1;

    private readonly object _gate = new();
    private readonly UnitLayout[] _layouts;
    private readonly Slot[] _slots;
    private readonly Slot?[] _slotOf;
    private readonly List<UnitLoad> _loads = [];
    private readonly Thread[] _readers;
    private readonly ModelFiles _files = new();
    private readonly RowGatherer _rows;
    private readonly WeightStreamOptions _options;
    private VisitSchedule _schedule = new([]);
    private StreamStatistics _statistics;
    private Exception? _failure;
    private int _awaited = None;
    private bool _disposed;

    private WeightStream(IReadOnlyList<StreamUnit> units, WeightStreamOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ReaderThreads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ReadBytes, HostBuffer.Alignment);
        ArgumentOutOfRangeException.ThrowIfNotEqual(options.ReadBytes % HostBuffer.Alignment, 0);
        Units = units;
        _options = options;
        _layouts = [.. units.Select(unit => new UnitLayout(unit))];
        SlotPlan plan = SlotPlan.Make([.. _layouts.Select(layout => layout.ByteCount)], options.BudgetBytes, options.Slots);
        foreach (string file in _layouts.SelectMany(layout => layout.Extents).Select(extent => extent.File).Distinct()) _ = _files[file];
        _rows = new RowGatherer(_files);
        _slotOf = new Slot?[units.Count];
        _slots = new Slot[plan.Slots + plan.Pinned.Count];
        for (int index = 0; index < plan.Slots; index++) _slots[index] = new Slot(new HostBuffer(plan.SlotBytes), null);
        for (int index = 0; index < plan.Pinned.Count; index++)
        {
            int unit = plan.Pinned[index];
            _slots[plan.Slots + index] = _slotOf[unit] = new Slot(new HostBuffer(_layouts[unit].ByteCount), unit);
        }
        SlotBytes = plan.TotalBytes;
        ReadsDirect = options.DirectIo switch
        {
            DirectIo.On => true,
            DirectIo.Off => false,
            _ => ReadProbe.PrefersDirect(_files, [.. _layouts.SelectMany(layout => layout.Extents)]),
        };
        _readers = [.. Enumerable.Range(0, options.ReaderThreads).Select(index => new Thread(ReadPieces) { IsBackground = true, Name = $"weight reader {index}" })];
        foreach (Thread reader in _readers) reader.Start();
    }

    public IReadOnlyList<StreamUnit> Units { get; }

    /// <summary>Bytes of all slots and pinned units, never above the budget.</summary>
    public long SlotBytes { get; }

    /// <summary>Whether units are read past the page cache.</summary>
    public bool ReadsDirect { get; }

    public StreamStatistics Statistics
    {
        get { lock (_gate) return _statistics; }
    }

    /// <exception cref="Errors.BudgetExceededException">The budget does not hold two slots of the largest unit.</exception>
    /// <exception cref="Errors.StorageException">A file could not be opened.</exception>
    public static WeightStream Open(IReadOnlyList<StreamUnit> units, WeightStreamOptions options) => new(units, options);

    public void Schedule(IEnumerable<int> visits)
    {
        VisitSchedule schedule = new(visits.Select(Checked));
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _schedule = schedule;
            Prefetch();
        }
    }

    public void ScheduleNext(IEnumerable<int> visits)
    {
        lock (_gate) Schedule([.. visits, .. _schedule.Remaining]);
    }

    public UnitLease Acquire(int unit)
    {
        Checked(unit);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            Slot slot = Resident(unit) ?? WaitFor(unit);
            slot.Leases++;
            _schedule.Made(unit);
            Prefetch();
            return new UnitLease(Units[unit], slot.Views, () => Release(slot));
        }
    }

    public torch.Tensor GatherRows(TensorEntry matrix, ReadOnlySpan<long> rows) => _rows.Gather(matrix, rows);

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            Monitor.PulseAll(_gate);
        }
        foreach (Thread reader in _readers) reader.Join();
        foreach (Slot slot in _slots)
        {
            slot.DropViews();
            slot.Buffer.Dispose();
        }
        _files.Dispose();
    }

    private int Checked(int unit)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(unit);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(unit, Units.Count);
        return unit;
    }

    private void Release(Slot slot)
    {
        lock (_gate)
        {
            slot.Leases--;
            if (!_disposed) Prefetch();
            Monitor.PulseAll(_gate);
        }
    }

    private Slot? Resident(int unit)
    {
        if (_slotOf[unit] is not { Ready: true } slot) return null;
        _statistics = _statistics with { Hits = _statistics.Hits + 1 };
        return slot;
    }

    /// <summary>Blocks until the unit is in a slot, starting its load before all prefetches.</summary>
    private Slot WaitFor(int unit)
    {
        long start = Stopwatch.GetTimestamp();
        _awaited = unit;
        try
        {
            while (true)
            {
                if (_failure is not null) ExceptionDispatchInfo.Throw(_failure);
                ObjectDisposedException.ThrowIf(_disposed, this);
                if (_slotOf[unit] is { } slot && slot.Unit == unit)
                {
                    if (slot.Ready) return slot;
                }
                else if (SlotFor(unit, VisitSchedule.Never, evictAny: true) is { } free)
                {
                    StartLoad(free, unit, first: true);
                }
                else if (!_slots.Any(candidate => candidate.Loading))
                {
                    throw new InvalidOperationException($"All slots are leased; {Units[unit].Name} cannot be brought in before one is given back.");
                }
                Monitor.Wait(_gate);
            }
        }
        finally
        {
            _awaited = None;
            _statistics = _statistics with { DiskStallSeconds = _statistics.DiskStallSeconds + Stopwatch.GetElapsedTime(start).TotalSeconds };
        }
    }

    /// <summary>Starts the loads that the schedule asks for next, as long as a slot may be used and the readers lack work.</summary>
    private void Prefetch()
    {
        if (_failure is not null || (_awaited != None && _slotOf[_awaited]?.Unit != _awaited)) return;
        for (int position = _schedule.Cursor; position < _schedule.Count; position++)
        {
            if (_loads.Any(load => load.HasPieces)) return;
            int unit = _schedule[position];
            if (_slotOf[unit]?.Unit == unit) continue;
            if (SlotFor(unit, position, evictAny: false) is not { } slot) return;
            StartLoad(slot, unit, first: false);
        }
    }

    /// <summary>
    /// The slot to load a unit into: its own when it is pinned, else an empty one, else the one whose unit is needed last, and later than the
    /// position given unless any may go.
    /// </summary>
    private Slot? SlotFor(int unit, int position, bool evictAny)
    {
        if (_slotOf[unit] is { PinnedUnit: not null } own) return own;
        Slot? best = null;
        int bestUse = -1;
        foreach (Slot slot in _slots)
        {
            // A unit that a visit waits for may be in no announcement, and would be the first to go.
            if (!slot.Evictable || (slot.Unit == _awaited && slot.Unit != None)) continue;
            if (slot.Unit == None) return slot;
            int use = _schedule.NextUse(slot.Unit);
            if (use <= bestUse || (!evictAny && use <= position)) continue;
            best = slot;
            bestUse = use;
        }
        return best;
    }

    private void StartLoad(Slot slot, int unit, bool first)
    {
        if (slot.PinnedUnit is null && slot.Unit >= 0) _slotOf[slot.Unit] = null;
        slot.BeginLoad(unit);
        _slotOf[unit] = slot;
        UnitLoad load = new(slot, _layouts[unit], _options.ReadBytes);
        _statistics = _statistics with { Loads = _statistics.Loads + 1 };
        if (first) _loads.Insert(0, load);
        else _loads.Add(load);
        if (!load.HasPieces) Finish(load);
        Monitor.PulseAll(_gate);
    }

    private void ReadPieces()
    {
        using PieceReader reader = new(_files, ReadsDirect, _options.ReadBytes);
        while (TakePiece() is var (load, piece))
        {
            try
            {
                reader.Read(piece, load.Slot.Buffer);
                PieceRead(load, piece);
            }
            catch (Exception error)
            {
                lock (_gate)
                {
                    _failure ??= error;
                    Monitor.PulseAll(_gate);
                }
            }
        }
    }

    private (UnitLoad, Extent)? TakePiece()
    {
        lock (_gate)
        {
            while (!_disposed)
            {
                if (_failure is null && _loads.FirstOrDefault(load => load.HasPieces) is { } next)
                {
                    Extent piece = next.TakePiece();
                    if (!next.HasPieces) Prefetch();
                    return (next, piece);
                }
                Monitor.Wait(_gate);
            }
            return null;
        }
    }

    private void PieceRead(UnitLoad load, Extent piece)
    {
        lock (_gate)
        {
            _statistics = _statistics with { DiskBytes = _statistics.DiskBytes + piece.ByteCount };
            if (--load.Unfinished > 0) return;
            Finish(load);
            Prefetch();
            Monitor.PulseAll(_gate);
        }
    }

    private void Finish(UnitLoad load)
    {
        _files.VerifyUnchanged(load.Layout.Extents.Select(extent => extent.File).Distinct());
        _loads.Remove(load);
        load.Slot.EndLoad(load.Slot.MakeViews(load.Layout));
    }
}
