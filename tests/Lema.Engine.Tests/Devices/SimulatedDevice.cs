using System.Runtime.InteropServices;
using Lema.Engine.Devices;
using Lema.Engine.Streaming;
using TorchSharp;

namespace Lema.Engine.Tests.Devices;

/// <summary>
/// A device with memory of its own and two queues that run beside each other, as a CUDA card has. Copies move one small piece at a time and complete
/// later than they are queued; computation runs as late as the events allow, so that an event that is missing shows.
/// </summary>
internal sealed unsafe class SimulatedDevice : ICopyDevice
{
    private const int PieceBytes = 512;

    private readonly object _gate = new();
    private readonly Queue<Step> _copies = new();
    private readonly Queue<Step> _computations = new();
    private readonly List<nint> _memory = [];
    private readonly HashSet<nint> _pinned = [];
    private readonly Thread _thread;
    private bool _draining;
    private bool _copiesReleased;
    private bool _disposed;

    public SimulatedDevice()
    {
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>Fault: copies do not wait for the computation that uses their slot.</summary>
    public bool CopiesIgnoreEvents { get; init; }

    /// <summary>Fault: computation does not wait for its copy.</summary>
    public bool ComputeIgnoresEvents { get; init; }

    /// <summary>Computation is what libtorch does on the host while it is called, not what is queued here: it has to wait for its copy when it is told to.</summary>
    public bool ComputesOnHost { get; init; }

    /// <summary>Copies stay queued until <see cref="ReleaseCopies"/>.</summary>
    public bool HoldCopies { get; init; }

    public long AllocatedBytes { get; private set; }

    public int PinnedBuffers => _pinned.Count;

    public string Name => "simulated";

    public torch.Device TorchDevice => torch.CPU;

    public bool SharesHostMemory => false;

    public MemoryInfo Memory() => new(long.MaxValue, long.MaxValue);

    public void Synchronize() => Settle();

    public nint Allocate(long byteCount)
    {
        nint address = (nint)NativeMemory.AlignedAlloc((nuint)Math.Max(byteCount, 1), 4096);
        NativeMemory.Fill((void*)address, (nuint)byteCount, 0xEE);
        _memory.Add(address);
        AllocatedBytes += byteCount;
        return address;
    }

    public void Pin(HostBuffer buffer) => _pinned.Add(buffer.Address);

    public void Unpin(HostBuffer buffer) => _pinned.Remove(buffer.Address);

    public IDeviceEvent CreateEvent() => new Event(this);

    public void QueueCopy(nint host, nint device, long byteCount)
    {
        Assert.Contains(_pinned, address => address == host);
        for (long done = 0; done < byteCount; done += PieceBytes)
        {
            (nint from, nint to, long count) = (host + (nint)done, device + (nint)done, Math.Min(PieceBytes, byteCount - done));
            Enqueue(_copies, () => Buffer.MemoryCopy((void*)from, (void*)to, count, count));
        }
    }

    /// <summary>Queues what a kernel would do.</summary>
    public void QueueComputation(Action action) => Enqueue(_computations, action);

    /// <summary>Blocks until nothing more can run by itself.</summary>
    public void Settle()
    {
        lock (_gate)
        {
            while (Next() is not null) Monitor.Wait(_gate);
        }
    }

    public void ReleaseCopies()
    {
        lock (_gate)
        {
            _copiesReleased = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Blocks until both queues are empty: copies first, then computation.</summary>
    public void Drain()
    {
        lock (_gate)
        {
            _draining = true;
            Monitor.PulseAll(_gate);
            while (_copies.Count + _computations.Count > 0) Monitor.Wait(_gate);
            _draining = false;
        }
    }

    public void Dispose()
    {
        ReleaseCopies();
        Drain();
        lock (_gate)
        {
            _disposed = true;
            Monitor.PulseAll(_gate);
        }
        _thread.Join();
        foreach (nint address in _memory) NativeMemory.AlignedFree((void*)address);
    }

    private void Enqueue(Queue<Step> queue, Action action, Event? after = null, Event? marks = null)
    {
        lock (_gate)
        {
            queue.Enqueue(new Step(action, after, after?.Recorded ?? 0, marks));
            Monitor.PulseAll(_gate);
        }
    }

    private void Run()
    {
        lock (_gate)
        {
            while (!_disposed)
            {
                if (Next() is not { } queue)
                {
                    Monitor.Wait(_gate);
                    continue;
                }
                Step step = queue.Dequeue();
                step.Action();
                if (step.Marks is { } marked) marked.Happened++;
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>Copies as soon as they may run; computation only when a copy waits for it, or at the end.</summary>
    private Queue<Step>? Next()
    {
        if ((!HoldCopies || _copiesReleased) && _copies.TryPeek(out Step copy) && copy.Runnable) return _copies;
        return (_draining || _copies.Count > 0) && _computations.TryPeek(out Step computation) && computation.Runnable ? _computations : null;
    }

    private readonly record struct Step(Action Action, Event? After, int Count, Event? Marks)
    {
        public bool Runnable => After is null || After.Happened >= Count;
    }

    private sealed class Event(SimulatedDevice device) : IDeviceEvent
    {
        /// <summary>Times it was queued, and times it came about.</summary>
        public int Recorded { get; private set; }

        public int Happened { get; set; }

        public void RecordOnCopies() => Record(device._copies);

        public void RecordOnCompute() => Record(device._computations);

        public void CopiesWait()
        {
            if (!device.CopiesIgnoreEvents) device.Enqueue(device._copies, () => { }, after: this);
        }

        public void ComputeWaits()
        {
            if (device.ComputesOnHost) Synchronize();
            else if (!device.ComputeIgnoresEvents) device.Enqueue(device._computations, () => { }, after: this);
        }

        public void Synchronize()
        {
            lock (device._gate)
            {
                int count = Recorded;
                while (Happened < count) Monitor.Wait(device._gate);
            }
        }

        public void Dispose() { }

        private void Record(Queue<Step> queue)
        {
            lock (device._gate)
            {
                Recorded++;
                device.Enqueue(queue, () => { }, marks: this);
            }
        }
    }
}
