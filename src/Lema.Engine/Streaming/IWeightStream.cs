using TorchSharp;

namespace Lema.Engine.Streaming;

/// <summary>
/// Hands out the units of a model, Disk -> host slot -> device slot, within a byte budget. Used by one compute thread; reading and copying
/// happen on threads of its own. Lives as long as the job.
/// </summary>
public interface IWeightStream : IDisposable
{
    /// <summary>All units, in the order of the model. Indices into this list name a unit.</summary>
    IReadOnlyList<StreamUnit> Units { get; }

    /// <summary>
    /// Announces the next visits, in order, so that prefetch never guesses. Replaces what was announced before and not yet acquired. A unit that
    /// is still in a slot is not read again. Visits outside the announcement are allowed and merely slower (an expert chosen by a router).
    /// </summary>
    void Schedule(IEnumerable<int> visits);

    /// <summary>Announces visits that come before the rest of the announcement: the experts that a router has just chosen.</summary>
    void ScheduleNext(IEnumerable<int> visits);

    /// <summary>
    /// The right to use a unit, blocking until it is on the device. The same unit may be leased more than once at a time.
    /// </summary>
    /// <exception cref="Errors.StorageException">The file could not be read, is shorter than at the start, or was replaced.</exception>
    UnitLease Acquire(int unit);

    /// <summary>
    /// Rows of a matrix that is never brought to the device whole (the embedding): [n] indices -> [n, columns] in the stored type, in a tensor of
    /// the caller's dispose scope.
    /// </summary>
    torch.Tensor GatherRows(Weights.TensorEntry matrix, ReadOnlySpan<long> rows);

    /// <summary>Bytes of all slots and pinned units in host memory, never above the budget.</summary>
    long SlotBytes { get; }

    /// <summary>The same in the device's own memory; 0 where it has none.</summary>
    long DeviceSlotBytes { get; }

    /// <summary>The memory that the views of units lie in, there until the stream is disposed of; empty where they lie in a device's own.</summary>
    MemoryRange HostMemory { get; }

    /// <summary>Bytes read from disk, bytes copied to the device, seconds the compute thread waited, since the stream was opened. From any thread.</summary>
    StreamStatistics Statistics { get; }

    /// <summary>Where the units are now. From any thread, also after the stream has been disposed of.</summary>
    StreamPicture Picture { get; }
}

/// <summary>Totals since a stream was opened. Stall is time the compute thread spent in <see cref="IWeightStream.Acquire"/>.</summary>
/// <param name="Hits">Visits that found their unit in a slot of the host.</param>
public readonly record struct StreamStatistics(long DiskBytes, long DeviceBytes, double DiskStallSeconds, double DeviceStallSeconds, long Loads, long Hits, long Visits);
