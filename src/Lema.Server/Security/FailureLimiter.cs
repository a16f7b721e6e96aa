using System.Collections.Concurrent;
using System.Net;

namespace Lema.Server.Security;

/// <summary>Slows down guessing: after some failures from one address, wrong tokens from it are for a while not even told to be wrong. Lives as long as the daemon.</summary>
internal sealed class FailureLimiter(TimeProvider clock)
{
    private const int Allowed = 10;
    private const int MostAddresses = 10_000;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<IPAddress, (int Count, long Since)> _failures = new();

    public bool IsBlocked(IPAddress address) => _failures.TryGetValue(address, out var failures) && failures.Count >= Allowed && clock.GetElapsedTime(failures.Since) < Window;

    public void RecordFailure(IPAddress address)
    {
        long now = clock.GetTimestamp();
        if (_failures.Count >= MostAddresses) Forget(now);
        _failures.AddOrUpdate(address, _ => (1, now), (_, old) => clock.GetElapsedTime(old.Since, now) >= Window ? (1, now) : (old.Count + 1, old.Since));
    }

    /// <summary>Forgets every failure.</summary>
    public void Forgive() => _failures.Clear();

    private void Forget(long now)
    {
        foreach ((IPAddress address, (int _, long since)) in _failures)
            if (clock.GetElapsedTime(since, now) >= Window) _failures.TryRemove(address, out _);
    }
}
