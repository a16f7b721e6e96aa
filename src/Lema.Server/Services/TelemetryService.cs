using Grpc.Core;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Monitoring;
using Lema.Server.Runs;

namespace Lema.Server.Services;

/// <summary>Samples of machine and workers, for clients. Made for each call.</summary>
internal sealed class TelemetryService(HostSampler sampler, RunDirectory runs, Watching watching, TimeProvider clock) : Telemetry.TelemetryBase
{
    private const double LeastSeconds = 0.25, MostSeconds = 3_600;
    private const int MostHistory = 600;

    public override Task WatchTelemetry(WatchTelemetryRequest request, IServerStreamWriter<WatchTelemetryResponse> responseStream, ServerCallContext context)
    {
        double seconds = request.IntervalSeconds == 0 ? 1 : request.IntervalSeconds;
        if (!(seconds >= LeastSeconds && seconds <= MostSeconds)) throw new InvalidInputException("request", "interval_seconds", $"is not between {LeastSeconds} and {MostSeconds}.");
        string run = request.Run.Length > 0 ? runs.Get(request.Run).Id : "";
        return watching.RunAsync<WatchTelemetryResponse>(context, responseStream, async (send, stop) =>
        {
            TelemetrySnapshot snapshot = new();
            snapshot.Samples.AddRange(sampler.Last(Math.Clamp(request.History, 0, MostHistory)).Select(sample => Of(sample, run)));
            await send(new WatchTelemetryResponse { Snapshot = snapshot });
            TelemetrySample? sent = null;
            while (true)
            {
                if (sampler.Last(1) is [var newest] && !ReferenceEquals(newest, sent))
                {
                    sent = newest;
                    await send(new WatchTelemetryResponse { Sample = Of(newest, run) });
                }
                await Task.Delay(TimeSpan.FromSeconds(seconds), clock, stop);
            }
        });
    }

    private static TelemetrySample Of(TelemetrySample sample, string run)
    {
        if (run.Length == 0) return sample;
        TelemetrySample copy = sample.Clone();
        foreach (WorkerSample other in copy.Workers.Where(worker => worker.Job != run).ToArray()) copy.Workers.Remove(other);
        return copy;
    }
}
