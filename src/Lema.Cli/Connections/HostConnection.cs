using Grpc.Net.Client;
using Lema.Cli.Errors;
using Lema.Cli.Hosts;
using Lema.Cli.Terminals;
using Lema.Protocol.Client;
using Lema.Protocol.V1;

namespace Lema.Cli.Connections;

/// <summary>The way to one daemon, with a client for each of its services. Lives as long as the command.</summary>
internal sealed class HostConnection : IAsyncDisposable
{
    private readonly SshTunnel? _tunnel;

    private HostConnection(HostEntry host, GrpcChannel channel, SshTunnel? tunnel)
    {
        Entry = host;
        Channel = channel;
        _tunnel = tunnel;
        Models = new(channel);
        Datasets = new(channel);
        Training = new(channel);
        Chat = new(channel);
        Exports = new(channel);
        Evaluation = new(channel);
        Artifacts = new(channel);
        Host = new(channel);
    }

    public HostEntry Entry { get; }

    public GrpcChannel Channel { get; }

    public Models.ModelsClient Models { get; }

    public Datasets.DatasetsClient Datasets { get; }

    public Training.TrainingClient Training { get; }

    public Chat.ChatClient Chat { get; }

    public Protocol.V1.Exports.ExportsClient Exports { get; }

    public Evaluation.EvaluationClient Evaluation { get; }

    public Artifacts.ArtifactsClient Artifacts { get; }

    public Host.HostClient Host { get; }

    /// <summary>Makes the channel and, for an ssh address, the tunnel. No call is made yet.</summary>
    /// <exception cref="CliException">The token file, a certificate file or the tunnel is not usable.</exception>
    public static async Task<HostConnection> OpenAsync(HostEntry host, CliEnvironment environment, CancellationToken cancellation)
    {
        SshTunnel? tunnel = SshTunnel.IsSshAddress(host.Address) ? await SshTunnel.OpenAsync(host.Address, environment, cancellation) : null;
        try
        {
            GrpcChannel channel = DaemonChannel.Create(new DaemonOptions
            {
                Address = tunnel?.LocalAddress ?? new Uri(host.Address),
                TokenFile = host.TokenFile is { } file ? environment.FullPath(file) : null,
                CaFile = host.Ca is { } ca ? environment.FullPath(ca) : null,
                Fingerprint = host.Fingerprint,
            });
            return new HostConnection(host, channel, tunnel);
        }
        catch
        {
            if (tunnel is not null) await tunnel.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        if (_tunnel is not null) await _tunnel.DisposeAsync();
    }
}
