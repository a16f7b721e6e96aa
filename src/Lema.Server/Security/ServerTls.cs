using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lema.Engine.Errors;
using Lema.Server.Hosting;
using Lema.Server.Storage;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Lema.Server.Security;

/// <summary>The daemon's side of TLS: 1.2 and later, with a certificate of the operator's or one made in the data folder.</summary>
internal static class ServerTls
{
    private const string CertificateName = "certificate.pem", KeyName = "key.pem";

    public static void Use(ListenOptions listen, TlsOptions tls, DataFolder data)
    {
        X509Certificate2 certificate = Load(tls, data);
        X509Certificate2Collection? clientAuthorities = tls.ClientCaFile is { } file ? LoadAuthorities(file) : null;
        listen.UseHttps(certificate, https =>
        {
            https.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
            if (clientAuthorities is null) return;
            https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
            https.ClientCertificateValidation = (client, _, _) => IsFrom(client, clientAuthorities);
        });
    }

    /// <summary>The certificate that is served; made now when it is self-signed and there is none.</summary>
    /// <exception cref="InvalidInputException">A file cannot be read.</exception>
    public static X509Certificate2 Load(TlsOptions tls, DataFolder data)
    {
        (string certificate, string key) = tls.SelfSigned
            ? (SelfSignedFile(data), Path.Combine(data.Tls, KeyName))
            : (tls.CertificateFile ?? throw new InvalidInputException("--tls-certificate", "", "name the certificate's file, or use --tls-self-signed."), tls.KeyFile ?? tls.CertificateFile);
        if (IsStillToMake(tls, data)) SelfSignedCertificate.Write(data.Tls, certificate, key);
        try
        {
            using X509Certificate2 pem = X509Certificate2.CreateFromPemFile(certificate, key);
            // Kestrel needs the key in the certificate's own store.
            return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new InvalidInputException("TLS certificate", certificate, $"it or its key {key} cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Whether the first <see cref="Load"/> makes the certificate.</summary>
    public static bool IsStillToMake(TlsOptions tls, DataFolder data) => tls.SelfSigned && !File.Exists(SelfSignedFile(data));

    private static string SelfSignedFile(DataFolder data) => Path.Combine(data.Tls, CertificateName);

    /// <summary>The authorities that clients' certificates must come from.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read, or holds none.</exception>
    public static X509Certificate2Collection LoadAuthorities(string file)
    {
        try
        {
            X509Certificate2Collection authorities = [];
            authorities.ImportFromPemFile(file);
            return authorities.Count > 0 ? authorities : throw new InvalidInputException("--tls-client-ca", file, "holds no certificate in PEM form.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new InvalidInputException("--tls-client-ca", file, $"cannot be read: {error.Message}", error);
        }
    }

    private static bool IsFrom(X509Certificate2 client, X509Certificate2Collection authorities)
    {
        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(client);
    }
}
