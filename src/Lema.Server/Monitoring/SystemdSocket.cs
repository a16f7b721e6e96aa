using System.Net.Sockets;
using System.Text;

namespace Lema.Server.Monitoring;

/// <summary>Where systemd listens to its services (sd_notify(3)).</summary>
/// <param name="path">NOTIFY_SOCKET; a leading @ stands for the NUL of an abstract address.</param>
internal sealed class SystemdSocket(string path)
{
    /// <returns>Null when nobody asks.</returns>
    public static SystemdSocket? FromEnvironment() => Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is { Length: > 0 } path ? new SystemdSocket(path) : null;

    /// <exception cref="SocketException">Nobody listens, while systemd replaces itself for one.</exception>
    public void Send(string state)
    {
        using Socket notify = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        notify.SendTo(Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(path[0] == '@' ? '\0' + path[1..] : path));
    }
}
