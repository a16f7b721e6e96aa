using System.Net;
using System.Net.Sockets;

namespace Lema.Server.Security;

/// <summary>
/// Slows down guessing: after some failures from one address, wrong tokens from it are for a while not even told to be wrong. What it holds is bounded, and nobody can have
/// his count forgotten by making others: whoever comes when all places are taken is counted together with the others who do. Lives as long as the daemon.
/// </summary>
internal sealed class FailureLimiter(TimeProvider clock)
{
    private const int Allowed = 10;

    /// <summary>Also bounds what guessing from many addresses adds to the audit log in a window.</summary>
    public const int MostAddresses = 1_000;

    /// <summary>Of an IPv6 address, the part that a provider gives to one customer; the rest costs him nothing to change.</summary>
    private const int NetworkBytes = 8;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    /// <summary>Stands for all who found no place.</summary>
    private static readonly IPAddress Others = IPAddress.None;

    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, (int Count, long Since)> _failures = [];

    /// <summary>Whether this failure is the first that is refused unseen.</summary>
    public static bool IsFirstBlocked(int failures) => failures == Allowed + 1;

    /// <summary>Addresses that are remembered.</summary>
    public int Count
    {
        get { lock (_gate) return _failures.Count; }
    }

    public bool IsBlocked(IPAddress address)
    {
        lock (_gate) return _failures.TryGetValue(Place(address, clock.GetTimestamp()), out var failures) && failures.Count >= Allowed && clock.GetElapsedTime(failures.Since) < Window;
    }

    /// <returns>The failures of this address within the window, this one among them.</returns>
    public int RecordFailure(IPAddress address)
    {
        lock (_gate)
        {
            long now = clock.GetTimestamp();
            IPAddress place = Place(address, now);
            (int count, long since) = _failures.TryGetValue(place, out var old) && clock.GetElapsedTime(old.Since, now) < Window ? old : (0, now);
            _failures[place] = (count + 1, since);
            return count + 1;
        }
    }

    /// <summary>Forgets every failure.</summary>
    public void Forgive()
    {
        lock (_gate) _failures.Clear();
    }

    private IPAddress Place(IPAddress address, long now)
    {
        IPAddress network = NetworkOf(address);
        if (_failures.Count < MostAddresses || _failures.ContainsKey(network)) return network;
        foreach ((IPAddress old, (int _, long since)) in _failures)
            if (clock.GetElapsedTime(since, now) >= Window) _failures.Remove(old);
        return _failures.Count < MostAddresses ? network : Others;
    }

    private static IPAddress NetworkOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6 || IPAddress.IsLoopback(address)) return address;
        byte[] bytes = address.GetAddressBytes();
        bytes.AsSpan(NetworkBytes).Clear();
        return new IPAddress(bytes);
    }
}
