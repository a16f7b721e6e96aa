using System.Security.Authentication;

namespace Lema.Protocol.Client;

/// <summary>A daemon presented a certificate that is not the one that is pinned, or that no known authority signed.</summary>
/// <param name="fingerprint">SHA-256 of the certificate in lower-case hexadecimal; empty when none was presented.</param>
/// <param name="reason">Why it is not trusted, as the end of a sentence.</param>
public sealed class UntrustedCertificateException(string fingerprint, string reason)
    : AuthenticationException($"The daemon's certificate is not trusted: {reason}. Its SHA-256 is {(fingerprint.Length > 0 ? fingerprint : "not known: it presented none")}; lema-server prints its own at its start. Where the two are the same, pin it.")
{
    public string Fingerprint { get; } = fingerprint;
}
