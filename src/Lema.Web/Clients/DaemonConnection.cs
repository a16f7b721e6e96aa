using Grpc.Net.Client;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Web.Feeds;

namespace Lema.Web.Clients;

/// <summary>
/// One daemon as one user's token sees it: clients over one channel, and the watches that this user's pages share. Lives while any page of that user does.
/// </summary>
public sealed class DaemonConnection : IAsyncDisposable
{
    private readonly GrpcChannel _channel;

    /// <exception cref="DaemonOptionsException">The endpoint's address or certificate cannot be used.</exception>
    public DaemonConnection(DaemonEndpoint endpoint, string token)
    {
        Endpoint = endpoint;
        _channel = DaemonChannel.Create(new DaemonOptions { Address = endpoint.Address, Token = token, CaFile = endpoint.Ca, Fingerprint = endpoint.Fingerprint });
        Host = new(_channel);
        Training = new(_channel);
        Models = new(_channel);
        Datasets = new(_channel);
        Chat = new(_channel);
        Exports = new(_channel);
        Artifacts = new(_channel);
        Telemetry = new(_channel);
        Feeds = new();
    }

    public DaemonEndpoint Endpoint { get; }

    public string Name => Endpoint.Name;

    public Protocol.V1.Host.HostClient Host { get; }

    public Training.TrainingClient Training { get; }

    public Protocol.V1.Models.ModelsClient Models { get; }

    public Protocol.V1.Datasets.DatasetsClient Datasets { get; }

    public Chat.ChatClient Chat { get; }

    public Exports.ExportsClient Exports { get; }

    public Artifacts.ArtifactsClient Artifacts { get; }

    public Telemetry.TelemetryClient Telemetry { get; }

    /// <summary>Watches shared by the pages of this user.</summary>
    public SharedFeeds Feeds { get; }

    /// <summary>When an answer to a question should be here: a page says so rather than wait for a host that is away.</summary>
    public static DateTime Soon => DateTime.UtcNow.AddSeconds(15);

    public FeedLease<RunsFeed> WatchRuns() => Feeds.Open("runs", () => new RunsFeed(Training));

    public FeedLease<ExportFeed> WatchExport(string id) => Feeds.Open("export/" + id, () => new ExportFeed(Exports, id));

    public FeedLease<RunFeed> WatchRun(string run) => Feeds.Open("run/" + run, () => new RunFeed(Training, run));

    public FeedLease<HostFeed> WatchHost() => Feeds.Open("host", () => new HostFeed(Host, TimeProvider.System));

    /// <param name="run">Only the workers of this run; null for all of the host.</param>
    public FeedLease<TelemetryFeed> WatchTelemetry(string? run = null) => Feeds.Open("telemetry/" + run, () => new TelemetryFeed(Telemetry, run));

    public async ValueTask DisposeAsync()
    {
        await Feeds.DisposeAsync();
        _channel.Dispose();
    }
}
