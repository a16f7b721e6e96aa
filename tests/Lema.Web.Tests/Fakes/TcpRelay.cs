using System.Net;
using System.Net.Sockets;

namespace Lema.Web.Tests.Fakes;

/// <summary>Stands between a browser and the dashboard, as a network does, and can be cut.</summary>
internal sealed class TcpRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Uri _target;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private readonly Lock _gate = new();
    private readonly List<TcpClient> _open = [];
    private bool _cut;

    public TcpRelay(string target)
    {
        _target = new(target);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Ends every connection; new ones end at once.</summary>
    public void Cut()
    {
        lock (_gate)
        {
            _cut = true;
            foreach (TcpClient client in _open) client.Dispose();
            _open.Clear();
        }
    }

    public void Mend()
    {
        lock (_gate) _cut = false;
    }

    public async ValueTask DisposeAsync()
    {
        Cut();
        await _stop.CancelAsync();
        await _accepting;
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task ServeAsync(TcpClient browser)
    {
        using TcpClient near = browser, far = new();
        lock (_gate)
        {
            if (_cut) return;
            _open.AddRange([near, far]);
        }
        try
        {
            await far.ConnectAsync(_target.Host, _target.Port);
            await Task.WhenAny(near.GetStream().CopyToAsync(far.GetStream()), far.GetStream().CopyToAsync(near.GetStream()));
        }
        catch (Exception gone) when (gone is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // One end has left, or the relay was cut.
        }
    }
}
