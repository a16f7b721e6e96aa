using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lema.Protocol.Client;

/// <summary>TLS settings by which a client accepts one daemon and no other.</summary>
public static class ServerCertificateCheck
{
    internal static SslClientAuthenticationOptions For(DaemonOptions options)
    {
        SslClientAuthenticationOptions ssl = new();
        if (options.Fingerprint is { } fingerprint)
        {
            byte[] expected = ParseFingerprint(fingerprint);
            ssl.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                certificate is not null && CryptographicOperations.FixedTimeEquals(SHA256.HashData(certificate.GetRawCertData()), expected)
                    ? true : throw Untrusted(certificate, "it is not the one that is pinned");
        }
        else if (options.CaFile is { } caFile)
        {
            X509Certificate2Collection authorities = Load(caFile);
            ssl.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            ssl.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
            ssl.RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
                errors == SslPolicyErrors.None ? true : throw Untrusted(certificate, Reason(errors, $"the authority of {caFile} did not sign it, or it has expired"));
        }
        else
        {
            ssl.RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
                errors == SslPolicyErrors.None ? true : throw Untrusted(certificate, Reason(errors, "no authority that this machine knows signed it, or it has expired"));
        }
        if (options.ClientCertificateFile is { } clientFile)
            ssl.ClientCertificates = [LoadWithKey(clientFile, options.ClientKeyFile)];
        return ssl;
    }

    /// <summary>SHA-256 of a certificate's DER form in lower-case hexadecimal, as shown to people.</summary>
    public static string FingerprintOf(X509Certificate certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.GetRawCertData()));

    /// <summary>The bytes of a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons and a leading sha256.</summary>
    /// <exception cref="DaemonOptionsException">The text is none.</exception>
    public static byte[] ParseFingerprint(string text)
    {
        string digits = text.Replace(":", "", StringComparison.Ordinal).Trim();
        if (digits.StartsWith("sha256", StringComparison.OrdinalIgnoreCase)) digits = digits["sha256".Length..];
        try
        {
            byte[] bytes = Convert.FromHexString(digits);
            if (bytes.Length == SHA256.HashSizeInBytes) return bytes;
        }
        catch (FormatException) { }
        throw new DaemonOptionsException($"'{text}' is no SHA-256 fingerprint: 64 hexadecimal digits are expected.");
    }

    private static UntrustedCertificateException Untrusted(X509Certificate? certificate, string reason) =>
        new(certificate is null ? "" : FingerprintOf(certificate), reason);

    private static string Reason(SslPolicyErrors errors, string chain) =>
        errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) ? "it is for another name than the address has" : chain;

    private static X509Certificate2Collection Load(string file)
    {
        try
        {
            X509Certificate2Collection certificates = [];
            certificates.ImportFromPemFile(file);
            if (certificates.Count > 0) return certificates;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new DaemonOptionsException($"{file}: the certificate cannot be read: {error.Message}", error);
        }
        throw new DaemonOptionsException($"{file}: holds no certificate in PEM form.");
    }

    private static X509Certificate2 LoadWithKey(string file, string? keyFile)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(file, keyFile);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new DaemonOptionsException($"{file}: the client certificate or its key cannot be read: {error.Message}", error);
        }
    }
}
