using Grpc.Core;
using Lema.Cli.Errors;
using Lema.Protocol.Client;

namespace Lema.Cli.Hosts;

/// <summary>What the host has to do with a failed call, of which the call itself says nothing: its address, its token file, and whether it speaks what the address says.</summary>
internal static class HostFailure
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>The report with what is known of the host; as it is where the failure is about something else.</summary>
    public static async Task<FailureReport> ExplainAsync(RpcException failure, FailureReport report, HostEntry host, CancellationToken cancellation)
    {
        string where = host.Name == host.Address ? $"The host is {host.Address}." : $"The host is {host.Name}, {host.Address}.";
        if (report.ExitCode == ExitCode.NotAllowed) return report with { Remedies = [where, TokenOf(host), .. report.Remedies] };
        if (report.ExitCode != ExitCode.Unreachable) return report;
        if (Failure.UntrustedCertificateOf(failure) is null && await WrongProtocolAsync(host, cancellation) is var (problem, remedy)) return new FailureReport(ExitCode.Unreachable, problem, [remedy, where]);
        return report with { Remedies = [where, .. report.Remedies] };
    }

    /// <summary>Asks the host's port what it speaks; null when that is what the address says, or nothing is known.</summary>
    public static async Task<(string Problem, string Remedy)?> WrongProtocolAsync(HostEntry host, CancellationToken cancellation)
    {
        if (SshTunnel.IsSshAddress(host.Address)) return null;
        Uri address = new(host.Address);
        return WrongProtocol(address, await PortProbe.AskAsync(address, Patience, cancellation));
    }

    /// <summary>What is wrong with an address given what its port speaks, and the remedy; null when they agree, or nothing is known.</summary>
    public static (string Problem, string Remedy)? WrongProtocol(Uri address, SpokenProtocol spoken) => (address.Scheme, spoken) switch
    {
        ("https", SpokenProtocol.ClearText) when address.IsLoopback => ($"{address.Authority} speaks clear text, no TLS.", $"Use http://{address.Authority}."),
        ("https", SpokenProtocol.ClearText) =>
            ($"{address.Authority} speaks clear text, no TLS.", "A token goes to another machine only over TLS: start lema-server with --tls-self-signed or a certificate, or go through ssh://."),
        ("http", SpokenProtocol.Tls) => ($"{address.Authority} speaks TLS.", $"Use https://{address.Authority}."),
        (_, SpokenProtocol.Http1) => ($"{address.Authority} speaks HTTP/1, not HTTP/2.", "Calls go to the port of lema-server's --urls; that of --http-urls is for liveness and metrics."),
        _ => null,
    };

    /// <summary>Where the token of a call came from.</summary>
    public static string TokenOf(HostEntry host) => host.TokenFile is { } file
        ? $"The token was read from {file}."
        : $"No token was sent: name its file with --token-file, {HostResolver.TokenFileVariable} or '{AddCommand(host)} --token-file FILE'.";

    /// <summary>The command that names the host, or replaces it: what is not said again is gone then.</summary>
    public static string AddCommand(HostEntry host) => $"lema-remote host add {(host.Name == host.Address ? "NAME" : host.Name)} {host.Address}";
}
