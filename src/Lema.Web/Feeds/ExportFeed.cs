using Lema.Protocol.Client;
using Lema.Protocol.V1;

namespace Lema.Web.Feeds;

/// <summary>One merge on its way.</summary>
public sealed class ExportFeed(Exports.ExportsClient client, string id) : LiveFeed
{
    private Export? _export;

    /// <summary>The merge as it is now, or null before the first message.</summary>
    public Export? Export => Volatile.Read(ref _export);

    protected override Task FollowAsync(CancellationToken stop) => ConsumeAsync(
        RecoveringStream.Watch(token => client.WatchExport(new WatchExportRequest { Id = id }, cancellationToken: token), stop: stop),
        export => Volatile.Write(ref _export, export), stop);
}
