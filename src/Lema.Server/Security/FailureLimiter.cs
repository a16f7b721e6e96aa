using System.Collections.Concurrent;
using System.Net;

namespace Lema.Server.Security;

/// <summary>Slows down guessing: after some failures from one address, calls from it are refused for a while, right token or not. Lives as long as the daemon.</summary>
internal sealed class FailureLimiter(TimeProvider clock)
{
    private const int Allowed = 10;
    private const int MostAddresses = 10_000;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<IPAddress, (int Count, DateTimeOffset Since)> _failures = new();

    public bool IsBlocked(IPAddress address) => _failures.TryGetValue(address, out var failures) && failures.Count >= Allowed && clock.GetUtcNow() - failures.Since < Window;

    public void RecordFailure(IPAddress address)
    {
        DateTimeOffset now = clock.GetUtcNow();
        if (_failures.Count >= MostAddresses) Forget(now);
        _failures.AddOrUpdate(address, _ => (1, now), (_, old) => now - old.Since >= Window ? (1, now) : (old.Count + 1, old.Since));
    }

    /// <summary>Forgets every failure.</summary>
    public void Forgive() => _failures.Clear();

    private void Forget(DateTimeOffset now)
    {
        foreach ((IPAddress address, (int _, DateTimeOffset since)) in _failures)
            if (now - since >= Window) _failures.TryRemove(address, out _);
    }
}
