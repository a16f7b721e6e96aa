using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lema.Protocol.V1;

namespace Lema.Server.Runs;

/// <summary>
/// One watch of one run. Keeps nothing but the number of the last event it has sent: what comes next it takes from the run's session, as much as has gathered, so a slow
/// watcher costs no memory and misses nothing.
/// </summary>
/// <param name="phase">Where in an interval the beats of its progress lie, from 0 to below 1: see <see cref="Rhythm"/>.</param>
internal sealed class RunWatcher(RunSession session, RunStore store, WatchRunRequest request, double phase, TimeProvider clock)
{
    private const int LogLines = 200;

    private static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(0.25), LeastInterval = TimeSpan.FromSeconds(0.05), LongestInterval = TimeSpan.FromMinutes(1);

    private readonly TimeSpan _interval = request.ProgressIntervalSeconds > 0
        ? TimeSpan.FromSeconds(Math.Clamp(request.ProgressIntervalSeconds, LeastInterval.TotalSeconds, LongestInterval.TotalSeconds)) : DefaultInterval;

    /// <summary>Sends the snapshot, if one is due, and then events until the run has ended or the watcher leaves.</summary>
    /// <exception cref="RpcException">OUT_OF_RANGE after the snapshot, when the number to go on from is not in the log.</exception>
    public async Task RunAsync(Func<WatchRunResponse, Task> send, CancellationToken stop)
    {
        ulong cursor = request.AfterSequence;
        bool expired = request.HasAfterSequence && (request.AfterSequence > session.Sequence || request.AfterSequence + 1 < session.Detail.FirstSequence);
        if (!request.HasAfterSequence || expired)
        {
            RunSnapshot snapshot = Snapshot();
            await send(new WatchRunResponse { Snapshot = snapshot, Sent = Now() });
            if (expired) throw new RpcException(new Status(StatusCode.OutOfRange, $"Event {request.AfterSequence} is not in the log: go on from the snapshot, after {snapshot.Sequence}."));
            cursor = snapshot.Sequence;
        }
        Rhythm rhythm = new(_interval, phase, clock);
        while (true)
        {
            (Task any, Task urgent) = session.NextChange;
            RunState state = session.State;
            if (session.DeltaAfter(cursor) is not { } delta)
            {
                if (RunStates.HasEnded(state)) return;
                await any.WaitAsync(stop);
                continue;
            }
            TimeSpan wait = rhythm.UntilNext();
            if (wait > TimeSpan.Zero && RunDelta.CanWait(delta))
            {
                await WaitAsync(wait, urgent, stop);
                delta = session.DeltaAfter(cursor)!;
            }
            await send(new WatchRunResponse { Events = delta, Sent = Now() });
            cursor = delta.Events[^1].Sequence.Last;
            rhythm.Sent();
        }
    }

    private RunSnapshot Snapshot()
    {
        (RunDetail run, IReadOnlyList<Series> series) = session.Snapshot([], 0, 0, Math.Min(request.MaxPoints, SeriesBuilder.DefaultPoints));
        RunSnapshot snapshot = new() { Run = run, Sequence = run.Summary.Sequence };
        snapshot.Series.AddRange(series);
        snapshot.Log.AddRange(store.ReadLogTail(session.Id, LogLines).Where(line => line.Sequence <= snapshot.Sequence));
        return snapshot;
    }

    private Timestamp Now() => Timestamp.FromDateTimeOffset(clock.GetUtcNow());

    private async Task WaitAsync(TimeSpan wait, Task urgent, CancellationToken stop)
    {
        using CancellationTokenSource waited = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await Task.WhenAny(Task.Delay(wait, clock, waited.Token), urgent);
        await waited.CancelAsync();
        stop.ThrowIfCancellationRequested();
    }
}
