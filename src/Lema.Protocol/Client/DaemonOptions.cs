namespace Lema.Protocol.Client;

/// <summary>How to reach one daemon, and how to know that it is the right one.</summary>
public sealed record DaemonOptions
{
    public required Uri Address { get; init; }

    /// <summary>File that holds the token, read when the channel is made; null when <see cref="Token"/> is set.</summary>
    public string? TokenFile { get; init; }

    public string? Token { get; init; }

    /// <summary>PEM file with the authority (or the very certificate) the daemon's certificate must chain to.</summary>
    public string? CaFile { get; init; }

    /// <summary>SHA-256 of the daemon's certificate (DER), in hexadecimal, with or without colons. Nothing else about it is checked then.</summary>
    public string? Fingerprint { get; init; }

    /// <summary>PEM files of this client's own certificate and key, for daemons that ask for one.</summary>
    public string? ClientCertificateFile { get; init; }

    public string? ClientKeyFile { get; init; }

    /// <summary>Waited for a connection to open.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);
}
