using Grpc.Core;
using Lema.Protocol.Client;
using Lema.Protocol.V1;

namespace Lema.Web.Feeds;

/// <summary>What a daemon says about itself, asked again every few seconds: whether it is there, its version, its memory.</summary>
public sealed class HostFeed(Protocol.V1.Host.HostClient client, TimeProvider clock) : LiveFeed
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private HostInfo? _info;

    /// <summary>The last answer, or null before the first.</summary>
    public HostInfo? Info => Volatile.Read(ref _info);

    protected override Task FollowAsync(CancellationToken stop) => ConsumeAsync(AskAsync(stop), info => Volatile.Write(ref _info, info), stop);

    private async IAsyncEnumerable<StreamUpdate<HostInfo>> AskAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
    {
        using PeriodicTimer timer = new(Pause, clock);
        do
        {
            StreamUpdate<HostInfo> update;
            try
            {
                update = new StreamUpdate<HostInfo>.Message(
                    await client.GetHostInfoAsync(new GetHostInfoRequest(), deadline: DateTime.UtcNow + Patience, cancellationToken: stop));
            }
            catch (RpcException lost) when (Failure.IsTransient(lost) && !stop.IsCancellationRequested)
            {
                update = new StreamUpdate<HostInfo>.Lost(Failure.From(lost), Pause);
            }
            yield return update;
        }
        while (await timer.WaitForNextTickAsync(stop));
    }
}
