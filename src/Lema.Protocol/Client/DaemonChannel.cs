using Grpc.Core;
using Grpc.Net.Client;

namespace Lema.Protocol.Client;

/// <summary>Makes channels to daemons. A channel lives as long as its user wishes, reconnects by itself and is safe to share between threads.</summary>
public static class DaemonChannel
{
    /// <summary>Pings on a connection in use, so that a dead one is noticed within 40 seconds.</summary>
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(20);

    /// <exception cref="DaemonOptionsException">The options cannot be used. Nothing has been sent.</exception>
    public static GrpcChannel Create(DaemonOptions options)
    {
        Uri address = options.Address;
        if (address.Scheme is not ("http" or "https"))
            throw new DaemonOptionsException($"{address}: the address of a daemon starts with http:// or https://.");
        bool secure = address.Scheme == "https";
        if (!secure && !address.IsLoopback)
            throw new DaemonOptionsException($"{address}: a token is sent to another machine only over TLS. Use https://, or an ssh tunnel to a loopback address.");

        SocketsHttpHandler handler = new()
        {
            ConnectTimeout = options.ConnectTimeout,
            KeepAlivePingDelay = KeepAlive,
            KeepAlivePingTimeout = KeepAlive,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            EnableMultipleHttp2Connections = true,
            UseProxy = false,
        };
        if (secure) handler.SslOptions = ServerCertificateCheck.For(options);

        ChannelCredentials transport = secure ? ChannelCredentials.SecureSsl : ChannelCredentials.Insecure;
        string? token = options.Token ?? (options.TokenFile is { } file ? TokenFile.Read(file) : null);
        return GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            Credentials = token is null ? transport : ChannelCredentials.Create(transport, BearerToken(token)),
            UnsafeUseInsecureChannelCallCredentials = true,
            MaxReceiveMessageSize = 16 << 20,
        });
    }

    private static CallCredentials BearerToken(string token) => CallCredentials.FromInterceptor((_, metadata) =>
    {
        metadata.Add("authorization", $"Bearer {token}");
        return Task.CompletedTask;
    });
}
