using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Lema.Cli.Errors;
using Lema.Cli.Terminals;

namespace Lema.Cli.Hosts;

/// <summary>
/// A port of this machine that the system's ssh forwards to the daemon's loopback port on another one. Keys, agents, jump hosts and
/// passwords are ssh's own business. Lives as long as the connection.
/// </summary>
internal sealed class SshTunnel : IAsyncDisposable
{
    private static readonly TimeSpan OpenTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(100);

    private readonly Process _ssh;

    private SshTunnel(Process ssh, Uri localAddress)
    {
        _ssh = ssh;
        LocalAddress = localAddress;
    }

    public Uri LocalAddress { get; }

    public static bool IsSshAddress(string address) => address.StartsWith("ssh://", StringComparison.Ordinal);

    /// <param name="address"><c>ssh://[user@]machine[:ssh port]/[daemon port]</c>; the daemon's port is 5090 when it is left out.</param>
    /// <exception cref="CliException">There is no ssh here, or it ended before the tunnel stood.</exception>
    public static async Task<SshTunnel> OpenAsync(string address, CliEnvironment environment, CancellationToken cancellation)
    {
        int localPort = FreePort();
        ProcessStartInfo start = new("ssh", Arguments(address, localPort)) { RedirectStandardError = true, RedirectStandardInput = false };
        Process ssh;
        try
        {
            ssh = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new CliException(ExitCode.Unreachable, $"{address} needs ssh, which is not installed here.", "Install an OpenSSH client, or use the daemon's https address.");
        }
        SshTunnel tunnel = new(ssh, new Uri($"http://127.0.0.1:{localPort}"));
        try
        {
            await tunnel.WaitUntilOpenAsync(address, localPort, environment.Clock, cancellation);
            return tunnel;
        }
        catch
        {
            await tunnel.DisposeAsync();
            throw;
        }
    }

    /// <summary>ssh's arguments: no command, one forwarded port, and an end as soon as the forwarding fails.</summary>
    internal static IReadOnlyList<string> Arguments(string address, int localPort)
    {
        Uri uri = new(address);
        int daemonPort = HostResolver.DefaultPort;
        string path = uri.AbsolutePath.Trim('/');
        if (path.Length > 0 && !int.TryParse(path, out daemonPort))
        {
            throw new CliException(ExitCode.WrongUsage, $"{address}: '{path}' is no port.", "Write the address as ssh://user@gpu01, or ssh://user@gpu01/5090 with the daemon's port.");
        }
        if (uri.Host.StartsWith('-') || uri.UserInfo.StartsWith('-')) throw new CliException(ExitCode.WrongUsage, $"{address} is no ssh address.");
        List<string> arguments = ["-N", "-T", "-o", "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=15", "-L", $"127.0.0.1:{localPort}:127.0.0.1:{daemonPort}"];
        if (uri.Port > 0) arguments.AddRange(["-p", $"{uri.Port}"]);
        arguments.AddRange(["--", uri.UserInfo.Length > 0 ? $"{uri.UserInfo}@{uri.Host}" : uri.Host]);
        return arguments;
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!_ssh.HasExited) _ssh.Kill(entireProcessTree: true);
            await _ssh.WaitForExitAsync();
        }
        catch (InvalidOperationException)
        {
            // It ended by itself in between.
        }
        _ssh.Dispose();
    }

    private async Task WaitUntilOpenAsync(string address, int localPort, TimeProvider clock, CancellationToken cancellation)
    {
        Task<string> said = _ssh.StandardError.ReadToEndAsync(cancellation);
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(OpenTimeout);
        while (true)
        {
            if (_ssh.HasExited)
            {
                string reason = (await said).Trim();
                throw new CliException(ExitCode.Unreachable, $"ssh to {address} failed: {(reason.Length > 0 ? reason : $"exit code {_ssh.ExitCode}")}", $"Try it by hand: ssh {string.Join(' ', Arguments(address, localPort))}");
            }
            if (await CanConnectAsync(localPort, limit.Token)) return;
            try
            {
                await Task.Delay(ProbeInterval, clock, limit.Token);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                throw new CliException(ExitCode.Unreachable, $"ssh to {address} opened no tunnel within {OpenTimeout.TotalSeconds:0} s.");
            }
        }
    }

    private static async Task<bool> CanConnectAsync(int port, CancellationToken cancellation)
    {
        using TcpClient client = new();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, port, cancellation);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
