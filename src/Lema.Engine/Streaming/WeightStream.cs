using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Lema.Engine.Devices;
using Lema.Engine.Weights;
using TorchSharp;

namespace Lema.Engine.Streaming;

/// <summary>
/// Streams units from disk through a fixed set of host slots. Reader threads fill slots in the order of the schedule; the slot whose unit is needed last
/// gives way. Units that fit beside the slots are pinned and read once.
/// </summary>
public sealed class WeightStream : IWeightStream
{
    private readonly object _gate = new();
    private readonly UnitLayout[] _layouts;
    private readonly SlotTable<HostSlot> _table;
    private readonly List<UnitLoad> _loads = [];
    private readonly PieceReaders _readers;
    private readonly ModelFiles _files = new();
    private readonly RowGatherer _rows;

    // One buffer for all slots: each by itself would lie on small pages with its last part, which are read at half the speed.
    private readonly HostBuffer _memory;
    private readonly WeightStreamOptions _options;
    private StreamStatistics _statistics;
    private Exception? _failure;
    private bool _disposed;

    private WeightStream(IReadOnlyList<StreamUnit> units, WeightStreamOptions options)
    {
        options.Check();
        Units = units;
        _options = options;
        _layouts = [.. units.Select(unit => new UnitLayout(unit))];
        SlotPlan plan = SlotPlan.Make([.. _layouts.Select(layout => layout.ByteCount)], options.BudgetBytes, options.Slots, "memory.weightBytes");
        foreach (string file in _layouts.SelectMany(layout => layout.Extents).Select(extent => extent.File).Distinct()) _ = _files[file];
        _rows = new RowGatherer(_files);
        ReadsDirect = options.DirectIo switch
        {
            DirectIo.On => true,
            DirectIo.Off => false,
            _ => ReadProbe.PrefersDirect(_files, [.. _layouts.SelectMany(layout => layout.Extents)]),
        };
        SlotBytes = plan.TotalBytes;
        _memory = new HostBuffer(plan.TotalBytes);
        _table = new SlotTable<HostSlot>([.. Slots(plan)], units.Count);
        _readers = new PieceReaders(options.ReaderThreads, () => new PieceReader(_files, ReadsDirect, options.ReadBytes), TakePiece, PieceRead, Fail);
    }

    public IReadOnlyList<StreamUnit> Units { get; }

    public long SlotBytes { get; }

    public long DeviceSlotBytes => 0;

    public MemoryRange HostMemory => new(_memory.Address, _memory.ByteCount);

    /// <summary>Whether units are read past the page cache.</summary>
    public bool ReadsDirect { get; }

    public StreamStatistics Statistics
    {
        get { lock (_gate) return _statistics; }
    }

    public StreamPicture Picture
    {
        get { lock (_gate) return _table.Picture(onDevice: false); }
    }

    internal IReadOnlyList<UnitLayout> Layouts => _layouts;

    internal IEnumerable<HostBuffer> Buffers => _table.Slots.Select(slot => slot.Buffer);

    /// <summary>Every unit is pinned and on its way or there.</summary>
    private bool HoldsAll => _table.AllPinned && _statistics.Loads == Units.Count;

    /// <exception cref="Errors.BudgetExceededException">The budget does not hold two slots of the largest unit.</exception>
    /// <exception cref="Errors.StorageException">A file could not be opened.</exception>
    public static WeightStream Open(IReadOnlyList<StreamUnit> units, WeightStreamOptions options) => new(units, options);

    /// <summary>The same for any device: one with memory of its own gets slots there, filled from the host's.</summary>
    /// <param name="deviceBudgetBytes">Bytes of the device's slots; ignored where the device computes in host memory.</param>
    public static IWeightStream Open(IReadOnlyList<StreamUnit> units, WeightStreamOptions options, IDevice device, long deviceBudgetBytes)
    {
        WeightStream host = new(units, options);
        try
        {
            return device is ICopyDevice own ? new DeviceWeightStream(host, own, deviceBudgetBytes) : host;
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    public void Schedule(IEnumerable<int> visits)
    {
        VisitSchedule schedule = new(visits.Select(Checked));
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _table.Schedule = schedule;
            Prefetch();
        }
    }

    public void ScheduleNext(IEnumerable<int> visits)
    {
        lock (_gate) Schedule([.. visits, .. _table.Schedule.Remaining]);
    }

    public UnitLease Acquire(int unit)
    {
        HostSlot slot = AcquireSlot(unit);
        return new UnitLease(Units[unit], slot.Views, () => Release(slot));
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
        _readers.Join();
        foreach (HostSlot slot in _table.Slots)
        {
            slot.DropViews();
            slot.Buffer.Dispose();
        }
        _memory.Dispose();
        _files.Dispose();
    }

    /// <summary>A lease without views, for a copy to a device.</summary>
    internal HostSlot AcquireSlot(int unit)
    {
        Checked(unit);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            HostSlot slot = Resident(unit) ?? WaitFor(unit);
            _table.Lease(slot);
            _statistics = _statistics with { Visits = _statistics.Visits + 1 };
            Prefetch();
            return slot;
        }
    }

    internal void Release(HostSlot slot)
    {
        lock (_gate)
        {
            slot.Leases--;
            if (!_disposed) Prefetch();
            // Readers are told of new loads where those begin: waking them for nothing costs as much as a small layer.
            if (_table.Awaited != Slot.Empty) Monitor.PulseAll(_gate);
        }
    }

    /// <summary>An announced visit needs nothing from here.</summary>
    internal void Skip(int unit)
    {
        lock (_gate)
        {
            _table.Schedule.Made(unit);
            if (!_disposed) Prefetch();
        }
    }

    private IEnumerable<HostSlot> Slots(SlotPlan plan)
    {
        long offset = 0;
        HostBuffer Next(long byteCount)
        {
            offset += byteCount;
            return _memory.Slice(offset - byteCount, byteCount);
        }
        for (int slot = 0; slot < plan.Slots; slot++) yield return new HostSlot(Next(plan.SlotBytes), null);
        foreach (int unit in plan.Pinned) yield return new HostSlot(Next(_layouts[unit].ByteCount), unit);
    }

    private int Checked(int unit)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(unit);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(unit, Units.Count);
        return unit;
    }

    private HostSlot? Resident(int unit)
    {
        if (_table.FindReady(unit) is not { } slot) return null;
        _statistics = _statistics with { Hits = _statistics.Hits + 1 };
        return slot;
    }

    /// <summary>Blocks until the unit is in a slot, starting its load before all prefetches.</summary>
    private HostSlot WaitFor(int unit)
    {
        long start = Stopwatch.GetTimestamp();
        _table.BeginWait(unit);
        try
        {
            while (true)
            {
                if (_failure is not null) ExceptionDispatchInfo.Throw(_failure);
                ObjectDisposedException.ThrowIf(_disposed, this);
                if (_table.FindReady(unit) is { } ready) return ready;
                if (_table.Find(unit) is null) StartAwaited(unit);
                Monitor.Wait(_gate);
            }
        }
        finally
        {
            _table.EndWait();
            _statistics = _statistics with { DiskStallSeconds = _statistics.DiskStallSeconds + Stopwatch.GetElapsedTime(start).TotalSeconds };
        }
    }

    private void StartAwaited(int unit)
    {
        if (_table.Choose(unit, VisitSchedule.Never, evictAny: true) is { } free) StartLoad(free, unit, first: true);
        else if (!_table.AnyLoading) throw new InvalidOperationException($"All slots are leased; {Units[unit].Name} cannot be brought in before one is given back.");
    }

    /// <summary>Starts the loads that the schedule asks for next, as long as a slot may be used and the readers lack work.</summary>
    private void Prefetch()
    {
        if (_failure is not null || _table.AwaitsSlot || HoldsAll) return;
        for (int position = _table.Schedule.Cursor; position < _table.Schedule.Count; position++)
        {
            if (_loads.Any(load => load.HasPieces)) return;
            int unit = _table.Schedule[position];
            if (_table.Find(unit) is not null) continue;
            if (_table.Choose(unit, position, evictAny: false) is not { } slot) return;
            StartLoad(slot, unit, first: false);
        }
    }

    private void StartLoad(HostSlot slot, int unit, bool first)
    {
        _table.Assign(slot, unit);
        UnitLoad load = new(slot, _layouts[unit], _options.ReadBytes);
        _statistics = _statistics with { Loads = _statistics.Loads + 1 };
        if (first) _loads.Insert(0, load);
        else _loads.Add(load);
        if (!load.HasPieces) Finish(load);
        Monitor.PulseAll(_gate);
    }

    /// <summary>The first fault ends the stream: every later visit throws it.</summary>
    private void Fail(Exception fault)
    {
        lock (_gate)
        {
            _failure ??= fault;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The next piece for a reader thread, blocking until there is one; null when the stream ends.</summary>
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
        load.Slot.EndLoad(load.Layout);
    }
}
