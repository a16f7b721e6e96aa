using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.CompilerServices;
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
            CheckStep? tls = await TlsAsync(uri, cancellation);
            if (tls is not null) yield return tls;
            if (tls is { Ok: false }) yield break;
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

    /// <summary>Null for a clear-text address whose port speaks clear text, of which there is nothing to tell.</summary>
    private static async Task<CheckStep?> TlsAsync(Uri uri, CancellationToken cancellation)
    {
        if (uri.Scheme != "https")
        {
            SpokenProtocol spoken = await PortProbe.AskAsync(uri, Patience, cancellation);
            return HostFailure.WrongProtocol(uri, spoken) is var (wrong, mend) ? new CheckStep("tls", false, wrong, mend, ExitCode.Unreachable) : null;
        }
        try
        {
            TlsGreeting greeting = await PortProbe.GreetAsync(uri, Patience, cancellation);
            return new CheckStep("tls", true, $"{greeting.Protocol}, certificate until {greeting.Expires:yyyy-MM-dd}, SHA-256 {greeting.Fingerprint}", null, ExitCode.Done);
        }
        catch (Exception failure) when (PortProbe.IsOfTheOtherSide(failure))
        {
            (string problem, string remedy) = HostFailure.WrongProtocol(uri, await PortProbe.AskAsync(uri, Patience, cancellation)) ?? ($"the TLS handshake failed: {failure.Message}", "Check what listens there.");
            return new CheckStep("tls", false, problem, remedy, ExitCode.Unreachable);
        }
    }

    private async IAsyncEnumerable<CheckStep> CallAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        HostInfo? info = null;
        CheckStep? failed = null;
        try
        {
            await using HostConnection connection = await HostConnection.OpenAsync(host, environment, cancellation);
            info = await connection.Host.GetHostInfoAsync(new GetHostInfoRequest(), deadline: DateTime.UtcNow + Patience, cancellationToken: cancellation);
        }
        catch (Exception failure) when (!cancellation.IsCancellationRequested && FailureReport.TryCreate(failure, interrupted: false, out FailureReport? report))
        {
            // Told below: a yield cannot stand in a catch.
            failed = Failed(failure as RpcException, report);
        }
        if (info is null)
        {
            yield return failed!;
            yield break;
        }
        yield return new CheckStep("token", true, $"token '{info.TokenName}', role {info.Role.ToString().ToLowerInvariant()}", null, ExitCode.Done);
        string version = typeof(HostCheck).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
        bool same = Major(version) == Major(info.Version);
        yield return new CheckStep("version", true, $"daemon {info.Version}, this tool {version}", same ? null : "They differ: calls that one side does not know will fail. Use the same version.", ExitCode.Done);
    }

    private CheckStep Failed(RpcException? call, FailureReport report) => report.ExitCode switch
    {
        _ when call is not null && Failure.UntrustedCertificateOf(call) is { Fingerprint: var fingerprint } =>
            new CheckStep("trust", false, report.Problem, $"{HostFailure.AddCommand(host)} --fingerprint {fingerprint}{(host.TokenFile is { } token ? $" --token-file {token}" : "")}", report.ExitCode),
        ExitCode.NotAllowed => new CheckStep("token", false, report.Problem, call is null ? null : HostFailure.TokenOf(host), report.ExitCode),
        ExitCode.Unreachable when call is not null =>
            new CheckStep("call", false, report.Problem, "Something else may listen there: calls go to the port of lema-server's --urls, and with TLS the address begins with https://.", report.ExitCode),
        _ => new CheckStep("call", false, report.Problem, report.Remedies.FirstOrDefault(), report.ExitCode),
    };

    private static string Major(string version) => string.Join('.', version.Split('.').Take(2));
}
