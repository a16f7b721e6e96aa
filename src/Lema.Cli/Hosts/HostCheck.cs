using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Terminals;
using Lema.Protocol.Client;
using Lema.Protocol.V1;

namespace Lema.Cli.Hosts;

/// <summary>Goes the way to a daemon step by step and stops at the first step that fails.</summary>
internal sealed class HostCheck(HostEntry host, CliEnvironment environment)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public async IAsyncEnumerable<CheckStep> RunAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        yield return new CheckStep("address", true, $"{host.Name} is {host.Address}", null, ExitCode.Done);
        if (!SshTunnel.IsSshAddress(host.Address))
        {
            Uri uri = new(host.Address);
            CheckStep name = await NameAsync(uri, cancellation);
            yield return name;
            if (!name.Ok) yield break;
            CheckStep port = await PortAsync(uri, cancellation);
            yield return port;
            if (!port.Ok) yield break;
            if (uri.Scheme == "https") yield return await CertificateAsync(uri, cancellation);
        }
        await foreach (CheckStep step in CallAsync(cancellation)) yield return step;
    }

    private static async Task<CheckStep> NameAsync(Uri uri, CancellationToken cancellation)
    {
        try
        {
            IPAddress[] addresses = await Dns.GetHostAddressesAsync(uri.DnsSafeHost, cancellation).WaitAsync(Patience, cancellation);
            return new CheckStep("name", true, $"{uri.Host} is {string.Join(", ", addresses.Take(3).Select(a => a.ToString()))}", null, ExitCode.Done);
        }
        catch (Exception failure) when (failure is SocketException or TimeoutException)
        {
            return new CheckStep("name", false, $"{uri.Host} is not known: {failure.Message}", "Check the spelling, or use an IP address.", ExitCode.Unreachable);
        }
    }

    private static async Task<CheckStep> PortAsync(Uri uri, CancellationToken cancellation)
    {
        using TcpClient client = new();
        try
        {
            await client.ConnectAsync(uri.DnsSafeHost, uri.Port, cancellation).AsTask().WaitAsync(Patience, cancellation);
            return new CheckStep("port", true, $"port {uri.Port} is open", null, ExitCode.Done);
        }
        catch (Exception failure) when (failure is SocketException or TimeoutException)
        {
            return new CheckStep("port", false, $"port {uri.Port} does not answer: {failure.Message}", "Check that lema-server runs there and listens on that port (--urls), and the firewall between.", ExitCode.Unreachable);
        }
    }

    private static async Task<CheckStep> CertificateAsync(Uri uri, CancellationToken cancellation)
    {
        try
        {
            using TcpClient client = new();
            await client.ConnectAsync(uri.DnsSafeHost, uri.Port, cancellation);
            using SslStream stream = new(client.GetStream());
            string fingerprint = "";
            string expires = "";
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = uri.Host,
                ApplicationProtocols = [SslApplicationProtocol.Http2],
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                {
                    fingerprint = Convert.ToHexStringLower(SHA256.HashData(certificate!.GetRawCertData()));
                    expires = $"{((X509Certificate2)certificate).NotAfter:yyyy-MM-dd}";
                    return true;
                },
            }, cancellation).WaitAsync(Patience, cancellation);
            return new CheckStep("tls", true, $"{stream.SslProtocol}, certificate until {expires}, SHA-256 {fingerprint}", null, ExitCode.Done);
        }
        catch (Exception failure) when (failure is AuthenticationException or IOException or SocketException or TimeoutException)
        {
            return new CheckStep("tls", false, $"no TLS there: {failure.Message}", "Use http:// for a daemon without TLS on this machine.", ExitCode.Unreachable);
        }
    }

    private async IAsyncEnumerable<CheckStep> CallAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        HostInfo? info = null;
        FailureReport? report = null;
        try
        {
            await using HostConnection connection = await HostConnection.OpenAsync(host, environment, cancellation);
            info = await connection.Host.GetHostInfoAsync(new GetHostInfoRequest(), deadline: DateTime.UtcNow + Patience, cancellationToken: cancellation);
        }
        catch (Exception failure) when (!cancellation.IsCancellationRequested && FailureReport.TryCreate(failure, interrupted: false, out report))
        {
            // Reported below: a yield cannot stand in a catch.
        }
        if (info is null)
        {
            bool token = report!.ExitCode == ExitCode.NotAllowed;
            yield return new CheckStep(token ? "token" : IsAboutTrust(report) ? "trust" : "call", false, report.Problem, Remedy(report), report.ExitCode);
            yield break;
        }
        yield return new CheckStep("token", true, $"token '{info.TokenName}', role {info.Role.ToString().ToLowerInvariant()}", null, ExitCode.Done);
        string version = typeof(HostCheck).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
        bool same = Major(version) == Major(info.Version);
        yield return new CheckStep("version", true, $"daemon {info.Version}, this tool {version}", same ? null : "They differ: calls that one side does not know will fail. Use the same version.", ExitCode.Done);
    }

    private static bool IsAboutTrust(FailureReport report) =>
        report.ExitCode == ExitCode.Unreachable && report.Problem.Contains("certificate", StringComparison.OrdinalIgnoreCase);

    private static string? Remedy(FailureReport report) => report switch
    {
        _ when IsAboutTrust(report) => "When the fingerprint above is the daemon's: add the host with --fingerprint and it, or with --ca and its authority's file.",
        { ExitCode: ExitCode.Unreachable } => "Something else may listen there: calls go to the port of lema-server's --urls, and with TLS the address begins with https://.",
        _ => null,
    };

    private static string Major(string version) => string.Join('.', version.Split('.').Take(2));
}
