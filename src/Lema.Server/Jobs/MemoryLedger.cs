using Lema.Engine.Errors;

namespace Lema.Server.Jobs;

/// <summary>The memory of the machine, shared out to jobs before their workers start. Lives as long as the daemon.</summary>
public sealed class MemoryLedger(long totalBytes)
{
    private readonly Lock _gate = new();
    private readonly List<Reservation> _reservations = [];
    private TaskCompletionSource _released = NewSignal();

    /// <summary>What jobs may have together.</summary>
    public long TotalBytes { get; } = totalBytes;

    public long FreeBytes
    {
        get { lock (_gate) return TotalBytes - _reservations.Sum(r => r.Bytes); }
    }

    /// <summary>What has been reserved, and for whom.</summary>
    public IReadOnlyList<(string Job, long Bytes)> Reservations
    {
        get { lock (_gate) return [.. _reservations.Select(r => (r.Job, r.Bytes))]; }
    }

    /// <summary>Ends when a reservation is given back.</summary>
    public Task NextRelease
    {
        get { lock (_gate) return _released.Task; }
    }

    /// <summary>Reserves memory for a job; null when it has to wait for other jobs.</summary>
    /// <exception cref="BudgetExceededException">It cannot fit even with nothing beside it.</exception>
    public IDisposable? TryReserve(string job, long bytes)
    {
        if (bytes > TotalBytes) throw new BudgetExceededException(bytes, TotalBytes, $"{job}: the memory that lema-server may give to jobs");
        lock (_gate)
        {
            if (_reservations.Sum(r => r.Bytes) + bytes > TotalBytes) return null;
            Reservation reservation = new(this, job, bytes);
            _reservations.Add(reservation);
            return reservation;
        }
    }

    /// <summary>Reserves memory now or not at all.</summary>
    /// <exception cref="BudgetExceededException">There is not enough left beside the jobs that run.</exception>
    public IDisposable Reserve(string job, long bytes) =>
        TryReserve(job, bytes) ?? throw new BudgetExceededException(bytes, Math.Max(0, FreeBytes), $"{job}: the memory that other jobs leave");

    private void Release(Reservation reservation)
    {
        TaskCompletionSource released;
        lock (_gate)
        {
            if (!_reservations.Remove(reservation)) return;
            released = _released;
            _released = NewSignal();
        }
        released.SetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Reservation(MemoryLedger ledger, string job, long bytes) : IDisposable
    {
        public string Job => job;

        public long Bytes => bytes;

        public void Dispose() => ledger.Release(this);
    }
}
