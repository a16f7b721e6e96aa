using System.Net;

namespace Lema.Web.Hosting;

/// <summary>The addresses the dashboard listens on, and the rule that a token never crosses a network in clear text.</summary>
public static class ListenAddresses
{
    public const string Default = "http://127.0.0.1:5080";

    /// <summary>Parses a semicolon-separated list of addresses, as <c>--urls</c> takes it.</summary>
    /// <exception cref="SettingsException">An address is no URL, or is clear text and not loopback.</exception>
    public static IReadOnlyList<Uri> Parse(string urls)
    {
        List<Uri> addresses = [];
        foreach (string text in urls.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? address) || address.Scheme is not ("http" or "https"))
            {
                throw new SettingsException($"--urls: \"{text}\" is no http or https address; write one such as {Default}.");
            }
            if (address.Scheme == "http" && !IsLoopback(address.Host))
            {
                throw new SettingsException(
                    $"--urls: {text} would carry tokens in clear text over a network; use an https address (Kestrel:Certificates:Default names the certificate), "
                    + "or listen on 127.0.0.1 behind a proxy or an SSH tunnel.");
            }
            addresses.Add(address);
        }
        return addresses.Count > 0 ? addresses : throw new SettingsException("--urls: no address given.");
    }

    /// <summary>The host names that a browser may use for these addresses: the guard against DNS rebinding.</summary>
    public static IReadOnlyList<string> AllowedHosts(IEnumerable<Uri> addresses) =>
        [.. addresses.Select(address => address.Host).Concat(["localhost", "127.0.0.1", "[::1]"]).Distinct(StringComparer.OrdinalIgnoreCase)];

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? ip) && IPAddress.IsLoopback(ip));
}
