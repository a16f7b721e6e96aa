namespace Lema.Cli.Hosts;

/// <summary>A named daemon.</summary>
internal sealed record HostEntry
{
    public required string Name { get; init; }

    /// <summary>http, https, or <c>ssh://[user@]machine[:port]/[daemon port]</c>.</summary>
    public required string Address { get; init; }

    /// <summary>File that holds the token; null: the one of LEMA_TOKEN_FILE.</summary>
    public string? TokenFile { get; init; }

    /// <summary>PEM file of the authority that signed the daemon's certificate; null for the system's.</summary>
    public string? Ca { get; init; }

    /// <summary>SHA-256 of the daemon's own certificate in hexadecimal, to pin it.</summary>
    public string? Fingerprint { get; init; }
}
