using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Lema.Protocol.Client;

namespace Lema.Cli.Hosts;

/// <summary>What a port answers in.</summary>
internal enum SpokenProtocol { Unknown, Tls, ClearText, Http1 }

/// <summary>What a port presents in a TLS handshake, trusted or not.</summary>
internal sealed record TlsGreeting(SslProtocols Protocol, string Fingerprint, DateTime Expires);

/// <summary>Finds out what a port speaks: a call that fails there does not tell.</summary>
internal static class PortProbe
{
    private const int FrameHeaderBytes = 9, FrameTypeAt = 3;
    private const byte SettingsFrame = 4;

    /// <summary>What a client of HTTP/2 says first (RFC 9113, section 3.4): the preface and an empty SETTINGS frame.</summary>
    private static readonly byte[] Preface = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, SettingsFrame, 0, 0, 0, 0, 0];

    /// <summary>Never throws for what the other side does.</summary>
    public static async Task<SpokenProtocol> AskAsync(Uri address, TimeSpan patience, CancellationToken cancellation)
    {
        try
        {
            SpokenProtocol clear = await AskInClearTextAsync(address, patience, cancellation);
            if (clear != SpokenProtocol.Unknown) return clear;
            await GreetAsync(address, patience, cancellation);
            return SpokenProtocol.Tls;
        }
        catch (Exception failure) when (IsOfTheOtherSide(failure))
        {
            return SpokenProtocol.Unknown;
        }
    }

    /// <exception cref="AuthenticationException">What is there is no TLS, or none that both sides know.</exception>
    /// <exception cref="IOException">The line broke.</exception>
    /// <exception cref="SocketException">Nobody listens.</exception>
    /// <exception cref="TimeoutException">Nothing came back.</exception>
    public static async Task<TlsGreeting> GreetAsync(Uri address, TimeSpan patience, CancellationToken cancellation)
    {
        using TcpClient client = await ConnectAsync(address, patience, cancellation);
        using SslStream stream = new(client.GetStream());
        TlsGreeting greeting = new(SslProtocols.None, "", default);
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = address.DnsSafeHost,
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            {
                greeting = greeting with { Fingerprint = ServerCertificateCheck.FingerprintOf(certificate!), Expires = ((X509Certificate2)certificate!).NotAfter };
                return true;
            },
        }, cancellation).WaitAsync(patience, cancellation);
        return greeting with { Protocol = stream.SslProtocol };
    }

    public static bool IsOfTheOtherSide(Exception failure) => failure is AuthenticationException or IOException or SocketException or TimeoutException;

    private static async Task<SpokenProtocol> AskInClearTextAsync(Uri address, TimeSpan patience, CancellationToken cancellation)
    {
        using TcpClient client = await ConnectAsync(address, patience, cancellation);
        NetworkStream stream = client.GetStream();
        byte[] answer = new byte[FrameHeaderBytes];
        try
        {
            await stream.WriteAsync(Preface, cancellation);
            await stream.ReadExactlyAsync(answer, cancellation).AsTask().WaitAsync(patience, cancellation);
        }
        catch (Exception silent) when (silent is IOException or TimeoutException)
        {
            return SpokenProtocol.Unknown;
        }
        return answer.AsSpan().StartsWith("HTTP/1."u8) ? SpokenProtocol.Http1 : answer[FrameTypeAt] == SettingsFrame ? SpokenProtocol.ClearText : SpokenProtocol.Unknown;
    }

    private static async Task<TcpClient> ConnectAsync(Uri address, TimeSpan patience, CancellationToken cancellation)
    {
        TcpClient client = new();
        try
        {
            await client.ConnectAsync(address.DnsSafeHost, address.Port, cancellation).AsTask().WaitAsync(patience, cancellation);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }
}
