using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Lema.EndToEnd.Tests;

/// <summary>An OpenSSH server on a loopback port with keys of its own, and a folder whose <c>ssh</c> knows how to reach it. Touches nothing of the user's.</summary>
internal sealed class SshServer : IAsyncDisposable
{
    private const string Ssh = "/usr/bin/ssh";
    private const string Sshd = "/usr/sbin/sshd";

    /// <summary>Where sshd gives up its rights; it will not start as root without this folder.</summary>
    private const string PrivilegeSeparationFolder = "/run/sshd";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("lema-sshd-");
    private Process? _sshd;

    /// <summary>Why no server can be started here; null where one can.</summary>
    public static string? Missing =>
        !File.Exists(Ssh) || !File.Exists(Sshd) ? $"OpenSSH is not installed: {Ssh} and {Sshd} are needed (Debian: openssh-client, openssh-server)."
        : Environment.IsPrivilegedProcess && !Directory.Exists(PrivilegeSeparationFolder) ? $"sshd does not start as root without the folder {PrivilegeSeparationFolder}."
        : null;

    public int Port { get; } = FreePort();

    /// <summary>A PATH on which <c>ssh</c> uses this server's configuration.</summary>
    public string SearchPath => $"{_folder.FullName}:{Environment.GetEnvironmentVariable("PATH")}";

    private string KnownHosts => InFolder("known_hosts");

    public static async Task<SshServer> StartAsync()
    {
        SshServer server = new();
        await server.MakeKeyAsync("host");
        await server.MakeKeyAsync("user");
        await File.WriteAllTextAsync(server.InFolder("sshd_config"), $"""
            Port {server.Port}
            ListenAddress 127.0.0.1
            HostKey {server.InFolder("host")}
            AuthorizedKeysFile {server.InFolder("user.pub")}
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no

            """);
        await File.WriteAllTextAsync(server.InFolder("ssh_config"), $"""
            IdentityFile {server.InFolder("user")}
            IdentitiesOnly yes
            BatchMode yes
            StrictHostKeyChecking yes
            UserKnownHostsFile {server.KnownHosts}

            """);
        await server.TrustAsync(await File.ReadAllTextAsync(server.InFolder("host.pub")));
        await File.WriteAllTextAsync(server.InFolder("ssh"), $"#!/bin/sh\nexec {Ssh} -F '{server.InFolder("ssh_config")}' \"$@\"\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(server.InFolder("ssh"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        await server.ListenAsync();
        return server;
    }

    /// <summary>Makes the client trust a host key and no other.</summary>
    public Task TrustAsync(string publicKey) => File.WriteAllTextAsync(KnownHosts, $"[127.0.0.1]:{Port} {publicKey}");

    /// <summary>Another key than the server's.</summary>
    public Task<string> OtherKeyAsync() => File.ReadAllTextAsync(InFolder("user.pub"));

    public async ValueTask DisposeAsync()
    {
        if (_sshd is { HasExited: false } process)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }
        _sshd?.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task ListenAsync()
    {
        _sshd = Process.Start(new ProcessStartInfo(Sshd, ["-D", "-e", "-f", InFolder("sshd_config")]) { RedirectStandardError = true })!;
        List<string> said = [];
        while (await _sshd.StandardError.ReadLineAsync().WaitAsync(Patience) is { } line)
        {
            said.Add(line);
            if (!line.Contains("Server listening", StringComparison.Ordinal)) continue;
            _ = _sshd.StandardError.ReadToEndAsync();
            return;
        }
        throw new InvalidOperationException($"sshd ended: {string.Join('\n', said)}");
    }

    private async Task MakeKeyAsync(string name)
    {
        using Process process = Process.Start(new ProcessStartInfo("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", InFolder(name)]))!;
        await process.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal(0, process.ExitCode);
    }

    private string InFolder(string name) => Path.Combine(_folder.FullName, name);

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
