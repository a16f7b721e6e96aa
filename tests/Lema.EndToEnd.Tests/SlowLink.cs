using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Lema.EndToEnd.Tests;

/// <summary>A loopback port whose connections reach a daemon with few bytes a second, and are cut off when a test says so.</summary>
internal sealed class SlowLink : IAsyncDisposable
{
    private const int PieceBytes = 64 << 10;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closing = new();
    private readonly ConcurrentDictionary<Socket, bool> _open = new();
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Uri _target;
    private readonly int _bytesPerSecond;
    private readonly Task _accepting;
    private long _passed;

    /// <param name="bytesPerSecond">Of all connections and both directions together.</param>
    public SlowLink(Uri target, int bytesPerSecond)
    {
        (_target, _bytesPerSecond) = (target, bytesPerSecond);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Bytes that went either way.</summary>
    public long PassedBytes => Interlocked.Read(ref _passed);

    /// <summary>Cuts every connection; new ones can be made.</summary>
    public void Cut()
    {
        foreach (Socket socket in _open.Keys) socket.Close(timeout: 0);
    }

    public async Task UntilPassedAsync(long bytes)
    {
        using CancellationTokenSource limit = new(Programs.Patience);
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(20));
        while (PassedBytes < bytes) await look.WaitForNextTickAsync(limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _listener.Stop();
        Cut();
        await _accepting;
        _closing.Dispose();
        _turn.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> lines = [];
        try
        {
            while (true) lines.Add(CarryAsync(await _listener.AcceptSocketAsync(_closing.Token)));
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(lines);
        }
    }

    private async Task CarryAsync(Socket client)
    {
        using Socket daemon = new(SocketType.Stream, ProtocolType.Tcp);
        using Socket _ = client;
        _open[client] = _open[daemon] = true;
        try
        {
            await daemon.ConnectAsync(_target.Host, _target.Port, _closing.Token);
            await Task.WhenAny(PumpAsync(client, daemon), PumpAsync(daemon, client));
        }
        finally
        {
            client.Close(timeout: 0);
            daemon.Close(timeout: 0);
            _open.TryRemove(client, out bool _);
            _open.TryRemove(daemon, out bool _);
        }
    }

    /// <summary>Ends when either side does; never throws.</summary>
    private async Task PumpAsync(Socket from, Socket to)
    {
        byte[] piece = new byte[PieceBytes];
        try
        {
            for (int read = await from.ReceiveAsync(piece, _closing.Token); read > 0; read = await from.ReceiveAsync(piece, _closing.Token))
            {
                await WaitForRoomAsync(read);
                for (int sent = 0; sent < read;) sent += await to.SendAsync(piece.AsMemory(sent, read - sent), _closing.Token);
                Interlocked.Add(ref _passed, read);
            }
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // A line that was cut off.
        }
    }

    /// <summary>The line is taken for as long as the bytes need at its rate, by one after the other.</summary>
    private async Task WaitForRoomAsync(int bytes)
    {
        await _turn.WaitAsync(_closing.Token);
        try
        {
            await Task.Delay(TimeSpan.FromSeconds((double)bytes / _bytesPerSecond), _closing.Token);
        }
        finally
        {
            _turn.Release();
        }
    }
}
