using System.Globalization;
using System.Net.Sockets;

namespace Lema.Server.Monitoring;

/// <summary>
/// Asks systemd to wait for a start that takes long, such as one that checks a large database: as long as something is done, and no longer. Lives as long as the start.
/// </summary>
internal sealed class StartExtension(Action<string> send, TimeProvider clock)
{
    /// <summary>How much longer systemd is asked to wait, and how often.</summary>
    public static readonly TimeSpan Extension = TimeSpan.FromSeconds(60), Interval = TimeSpan.FromSeconds(10);

    private long? _last;

    public static StartExtension FromEnvironment() => new(SystemdSocket.FromEnvironment() is { } systemd ? systemd.Send : _ => { }, TimeProvider.System);

    /// <summary>Something has been done; to be called as often as one likes.</summary>
    public void GoesOn()
    {
        if (_last is { } last && clock.GetElapsedTime(last) < Interval) return;
        _last = clock.GetTimestamp();
        try
        {
            send($"EXTEND_TIMEOUT_USEC={Extension.TotalMicroseconds.ToString(CultureInfo.InvariantCulture)}");
        }
        catch (SocketException)
        {
            // Nobody listens: that is no reason not to start.
        }
    }
}
