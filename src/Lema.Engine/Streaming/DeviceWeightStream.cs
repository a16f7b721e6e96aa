using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Lema.Engine.Devices;
using Lema.Engine.Weights;
using TorchSharp;

namespace Lema.Engine.Streaming;

/// <summary>
/// The third tier: copies units from host slots into device slots ahead of the computation. One thread queues the copies; a copy into a slot waits on
/// the device for the computation that used it last, and the computation waits there for the copy, so the host blocks on neither.
/// </summary>
internal sealed class DeviceWeightStream : IWeightStream
{
    private readonly object _gate = new();
    private readonly WeightStream _host;
    private readonly ICopyDevice _device;
    private readonly SlotTable<DeviceSlot> _table;
    private readonly Thread _copier;
    private long _deviceBytes;
    private double _stallSeconds;
    private int _copyPosition;
    private Exception? _failure;
    private bool _disposed;

    /// <param name="host">Owned from here on.</param>
    /// <exception cref="Errors.BudgetExceededException">The device budget does not hold two slots of the largest unit.</exception>
    public DeviceWeightStream(WeightStream host, ICopyDevice device, long budgetBytes)
    {
        _host = host;
        _device = device;
        SlotPlan plan = SlotPlan.Make([.. host.Layouts.Select(layout => layout.ByteCount)], budgetBytes, null, "memory.deviceBytes");
        DeviceSlotBytes = plan.TotalBytes;
        foreach (HostBuffer buffer in host.Buffers) device.Pin(buffer);
        _table = new SlotTable<DeviceSlot>(
        [
            .. Enumerable.Range(0, plan.Slots).Select(_ => new DeviceSlot(device, plan.SlotBytes, null)),
            .. plan.Pinned.Select(unit => new DeviceSlot(device, host.Layouts[unit].ByteCount, unit)),
        ], host.Units.Count);
        _copier = new Thread(CopyUnits) { IsBackground = true, Name = "weight copier" };
        _copier.Start();
    }

    public IReadOnlyList<StreamUnit> Units => _host.Units;

    public long SlotBytes => _host.SlotBytes;

    public long DeviceSlotBytes { get; }

    public MemoryRange HostMemory => default;

    public StreamStatistics Statistics
    {
        get { lock (_gate) return _host.Statistics with { DeviceBytes = _deviceBytes, DeviceStallSeconds = _stallSeconds }; }
    }

    public StreamPicture Picture
    {
        get
        {
            lock (_gate)
            {
                StreamPicture device = _table.Picture(onDevice: true);
                return device with { Slots = [.. _host.Picture.Slots, .. device.Slots] };
            }
        }
    }

    public void Schedule(IEnumerable<int> visits)
    {
        int[] announced = [.. visits];
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _host.Schedule(announced);
            _table.Schedule = new VisitSchedule(announced);
            _copyPosition = 0;
            Monitor.PulseAll(_gate);
        }
    }

    public void ScheduleNext(IEnumerable<int> visits)
    {
        lock (_gate) Schedule([.. visits, .. _table.Schedule.Remaining]);
    }

    public UnitLease Acquire(int unit)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(unit);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(unit, Units.Count);
        lock (_gate)
        {
            DeviceSlot slot = WaitFor(unit);
            _table.Lease(slot);
            slot.Copied.ComputeWaits();
            Monitor.PulseAll(_gate);
            return new UnitLease(Units[unit], slot.Views, () => Release(slot));
        }
    }

    public torch.Tensor GatherRows(TensorEntry matrix, ReadOnlySpan<long> rows)
    {
        torch.Tensor gathered = _host.GatherRows(matrix, rows);
        if (_device.TorchDevice.type == DeviceType.CPU) return gathered;
        using (gathered) return gathered.to(_device.TorchDevice);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            Monitor.PulseAll(_gate);
        }
        _copier.Join();
        foreach (DeviceSlot slot in _table.Slots) slot.Dispose();
        foreach (HostBuffer buffer in _host.Buffers) _device.Unpin(buffer);
        _host.Dispose();
    }

    private DeviceSlot WaitFor(int unit)
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
                if (_table.Find(unit) is null && _table.Choose(unit, VisitSchedule.Never, evictAny: true) is null && !_table.AnyLoading)
                    throw new InvalidOperationException($"All device slots are leased; {Units[unit].Name} cannot be brought in before one is given back.");
                Monitor.PulseAll(_gate);
                Monitor.Wait(_gate);
            }
        }
        finally
        {
            _table.EndWait();
            _stallSeconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    private void Release(DeviceSlot slot)
    {
        lock (_gate)
        {
            slot.Released.RecordOnCompute();
            slot.Leases--;
            Monitor.PulseAll(_gate);
        }
    }

    private void CopyUnits()
    {
        try
        {
            while (TakeWork() is var (slot, unit)) Copy(slot, unit);
        }
        catch (Exception error)
        {
            lock (_gate)
            {
                _failure = error;
                Monitor.PulseAll(_gate);
            }
        }
    }

    private (DeviceSlot Slot, int Unit)? TakeWork()
    {
        lock (_gate)
        {
            while (!_disposed)
            {
                if (NextCopy() is var (slot, unit))
                {
                    _table.Assign(slot, unit);
                    return (slot, unit);
                }
                Monitor.Wait(_gate);
            }
            return null;
        }
    }

    /// <summary>What a visit waits for; else the next announced unit that is not there, once a slot may be used for it.</summary>
    private (DeviceSlot, int)? NextCopy()
    {
        if (_table.AwaitsSlot) return _table.Choose(_table.Awaited, VisitSchedule.Never, evictAny: true) is { } free ? (free, _table.Awaited) : null;
        for (; _copyPosition < _table.Schedule.Count; _copyPosition++)
        {
            int unit = _table.Schedule[_copyPosition];
            if (_copyPosition < _table.Schedule.Cursor) continue;
            if (_table.Find(unit) is null) return _table.Choose(unit, _copyPosition, evictAny: false) is { } slot ? (slot, unit) : null;
            _host.Skip(unit);
        }
        return null;
    }

    private void Copy(DeviceSlot slot, int unit)
    {
        UnitLayout layout = _host.Layouts[unit];
        HostSlot source = _host.AcquireSlot(unit);
        try
        {
            slot.Released.CopiesWait();
            _device.QueueCopy(source.Address, slot.Address, layout.ByteCount);
            slot.Copied.RecordOnCopies();
            lock (_gate)
            {
                slot.EndLoad(layout);
                _deviceBytes += layout.ByteCount;
                Monitor.PulseAll(_gate);
            }
            // The host slot's next unit may be read into it only when its bytes have left.
            slot.Copied.Synchronize();
        }
        finally
        {
            _host.Release(source);
        }
    }
}
