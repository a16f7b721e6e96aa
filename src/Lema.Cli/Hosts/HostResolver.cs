using Lema.Cli.Errors;
using Lema.Cli.Help;
using Lema.Cli.Terminals;

namespace Lema.Cli.Hosts;

/// <summary>
/// Which daemon a command talks to: <c>--host</c>, else LEMA_HOST, else the current host of the hosts file, else the daemon of this machine. The
/// value is the name of a host or an address.
/// </summary>
internal sealed class HostResolver(CliEnvironment environment)
{
    public const string HostVariable = "LEMA_HOST";
    public const string TokenFileVariable = "LEMA_TOKEN_FILE";
    public const string LocalAddress = "http://127.0.0.1:5090";
    public const int DefaultPort = 5090;

    public HostsFile File { get; } = new(Path.Combine(environment.ConfigFolder, HostsFile.FileName));

    /// <param name="host">Value of <c>--host</c>; null when it was not given.</param>
    /// <param name="tokenFile">Value of <c>--token-file</c>; null when it was not given.</param>
    /// <exception cref="CliException">There is no host of that name, or the address is none.</exception>
    public HostEntry Resolve(string? host, string? tokenFile)
    {
        string? wanted = NullIfEmpty(host) ?? NullIfEmpty(environment.Variable(HostVariable));
        HostEntry entry;
        if (wanted is not null && IsAddress(wanted))
        {
            entry = new HostEntry { Name = wanted, Address = Normalize(wanted) };
        }
        else
        {
            HostsDocument document = File.Read();
            string? name = wanted ?? document.Current;
            entry = name is null ? new HostEntry { Name = "local", Address = LocalAddress } : Find(document, name);
        }
        return entry with { TokenFile = NullIfEmpty(tokenFile) ?? entry.TokenFile ?? NullIfEmpty(environment.Variable(TokenFileVariable)) };
    }

    /// <exception cref="CliException">There is no such host; exit code <see cref="ExitCode.NotFound"/>.</exception>
    public HostEntry Find(HostsDocument document, string name)
    {
        HostEntry? found = document.Hosts.FirstOrDefault(h => h.Name == name);
        if (found is not null) return found;
        string remedy = Suggestion.Nearest(name, document.Hosts.Select(h => h.Name)) is { } nearest
            ? $"Did you mean '{nearest}'?"
            : $"List the hosts with 'lema-remote host list', add one with 'lema-remote host add NAME ADDRESS', or write an address: https://{name}:{DefaultPort}.";
        throw new CliException(ExitCode.NotFound, $"There is no host '{name}' in {File.FullName}.", remedy);
    }

    public static bool IsAddress(string value) =>
        value.Contains("://", StringComparison.Ordinal) || value.Contains(':', StringComparison.Ordinal) || value == "localhost" || System.Net.IPAddress.TryParse(value, out _);

    /// <summary>
    /// An address with its scheme and port: <c>gpu01:5090</c> becomes <c>https://gpu01:5090</c>; a daemon of this machine is spoken to in clear text.
    /// </summary>
    /// <exception cref="CliException">It is no http, https or ssh address; exit code <see cref="ExitCode.WrongUsage"/>.</exception>
    public static string Normalize(string value)
    {
        string full = value.Contains("://", StringComparison.Ordinal) ? value : (IsThisMachine(value) ? "http://" : "https://") + value;
        if (!Uri.TryCreate(full, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https" or "ssh") || uri.Host.Length == 0)
        {
            throw new CliException(ExitCode.WrongUsage, $"'{value}' is no address.", $"Write it as https://gpu01:{DefaultPort}, http://127.0.0.1:{DefaultPort} or ssh://user@gpu01.");
        }
        if (uri.Scheme == "ssh") return full.TrimEnd('/');
        return HasExplicitPort(full) ? $"{uri.Scheme}://{uri.Host}:{uri.Port}" : $"{uri.Scheme}://{uri.Host}:{DefaultPort}";
    }

    private static bool IsThisMachine(string address) => Uri.TryCreate("http://" + address, UriKind.Absolute, out Uri? uri) && uri.IsLoopback;

    private static bool HasExplicitPort(string address)
    {
        string authority = address[(address.IndexOf("://", StringComparison.Ordinal) + 3)..].TrimEnd('/');
        int colon = authority.LastIndexOf(':');
        return colon > authority.LastIndexOf(']') && int.TryParse(authority[(colon + 1)..], out _);
    }

    private static string? NullIfEmpty(string? value) => string.IsNullOrEmpty(value) ? null : value;
}
