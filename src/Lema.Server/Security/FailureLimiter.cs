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

    /// <summary>Whether this failure is the first that is refused unseen.</summary>
    public static bool IsFirstBlocked(int failures) => failures == Allowed + 1;

    public bool IsBlocked(IPAddress address) => _failures.TryGetValue(address, out var failures) && failures.Count >= Allowed && clock.GetElapsedTime(failures.Since) < Window;

    /// <returns>The failures of this address within the window, this one among them.</returns>
    public int RecordFailure(IPAddress address)
    {
        long now = clock.GetTimestamp();
        if (_failures.Count >= MostAddresses) Forget(now);
        return _failures.AddOrUpdate(address, _ => (1, now), (_, old) => clock.GetElapsedTime(old.Since, now) >= Window ? (1, now) : (old.Count + 1, old.Since)).Count;
    }

    /// <summary>Forgets every failure.</summary>
    public void Forgive() => _failures.Clear();

    private void Forget(long now)
    {
        foreach ((IPAddress address, (int _, long since)) in _failures)
            if (clock.GetElapsedTime(since, now) >= Window) _failures.TryRemove(address, out _);
    }
}
