using Lema.Protocol.Client;
using Lema.Protocol.V1;

namespace Lema.Web.Feeds;

/// <summary>What a daemon's machine does, sample by sample; the last two minutes are kept.</summary>
public sealed class TelemetryFeed(Telemetry.TelemetryClient client, string? run) : LiveFeed
{
    public const int KeptSamples = 120;

    private readonly Lock _gate = new();
    private readonly Queue<TelemetrySample> _samples = new();

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<TelemetrySample> Samples
    {
        get { lock (_gate) return [.. _samples]; }
    }

    protected override Task FollowAsync(CancellationToken stop) => ConsumeAsync(
        RecoveringStream.Watch(
            token => client.WatchTelemetry(new WatchTelemetryRequest { IntervalSeconds = 1, History = KeptSamples, Run = run ?? "" }, cancellationToken: token),
            stop: stop),
        Apply, stop);

    private void Apply(WatchTelemetryResponse response)
    {
        lock (_gate)
        {
            if (response.Snapshot is { } snapshot)
            {
                _samples.Clear();
                foreach (TelemetrySample sample in snapshot.Samples.TakeLast(KeptSamples)) _samples.Enqueue(sample);
            }
            else if (response.Sample is { } sample)
            {
                if (_samples.Count == KeptSamples) _samples.Dequeue();
                _samples.Enqueue(sample);
            }
        }
    }
}
