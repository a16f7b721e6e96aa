using System.Net.Sockets;
using Grpc.Net.Client;

namespace Lema.Server.Workers;

/// <summary>Channels to workers over their Unix domain sockets.</summary>
internal static class WorkerChannel
{
    public const int LargestMessage = 64 << 20;

    public static GrpcChannel Open(string socket) => GrpcChannel.ForAddress("http://worker", new GrpcChannelOptions
    {
        MaxReceiveMessageSize = LargestMessage,
        MaxSendMessageSize = LargestMessage,
        DisposeHttpClient = true,
        HttpHandler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, stop) =>
            {
                Socket connection = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), stop).ConfigureAwait(false);
                    return new NetworkStream(connection, ownsSocket: true);
                }
                catch
                {
                    connection.Dispose();
                    throw;
                }
            },
        },
    });
}
