using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Server.Services;
using Lema.Server.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Lema.Server.Tests;

/// <summary>A client that has a watch open and does not read.</summary>
public sealed class StuckWatcherTests
{
    private const int Steps = 500, LineLength = 20_000;

    [Fact(DisplayName = "streams: a stuck watcher is evicted with its cursor")]
    public async Task WatchRun_NotRead_IsEndedAfterTheWriteLimitAndGoesOnFromItsNumber()
    {
        FakeTimeProvider clock = new(DateTimeOffset.UtcNow);
        await using TestDaemon daemon = await TestDaemon.StartAsync(runner: new FakeJobRunner { LogLineLength = LineLength }, configure: services => services.AddSingleton<TimeProvider>(clock));
        await daemon.AddDatasetAsync();
        using SemaphoreSlim gate = daemon.Runner.Gate = new SemaphoreSlim(0);
        RunDetail run = await daemon.StartRunAsync(Steps, request => request.Settings.Checkpoint.EverySteps = 1_000);
        using CancellationTokenSource late = new(TimeSpan.FromMinutes(4));
        using AsyncServerStreamingCall<WatchRunResponse> stuck = daemon.Training.WatchRun(new WatchRunRequest { Run = run.Summary.Id, AfterSequence = 0 }, cancellationToken: late.Token);
        Assert.True(await stuck.ResponseStream.MoveNext(late.Token));
        ulong cursor = Follow(stuck.ResponseStream.Current, 0);
        WatchLimits watchers = daemon.Services.GetRequiredService<WatchLimits>();
        Assert.Equal(1, watchers.Count);

        // Far more than any buffer between the two holds.
        gate.Release(Steps);
        DateTimeOffset start = clock.GetUtcNow();
        while (watchers.Count > 0)
        {
            clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(10, late.Token);
        }
        Assert.True(clock.GetUtcNow() - start >= PatientWriter.Limit, $"ended after {clock.GetUtcNow() - start}");
        while ((await daemon.Training.GetRunAsync(new GetRunRequest { Run = run.Summary.Id })).Summary.State != RunState.Completed) await Task.Delay(10, late.Token);

        RpcException ended = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await stuck.ResponseStream.MoveNext(late.Token)) cursor = Follow(stuck.ResponseStream.Current, cursor);
        });
        // A reset that meets the reader between two messages reads as CANCELLED, within one as INTERNAL.
        Assert.Contains(ended.StatusCode, (StatusCode[])[StatusCode.Cancelled, StatusCode.Internal]);
        Assert.True(Protocol.Client.Failure.IsTransient(ended));
        Assert.InRange(cursor, 1UL, (ulong)(2 * Steps) - 1);

        using AsyncServerStreamingCall<WatchRunResponse> again = daemon.Training.WatchRun(new WatchRunRequest { Run = run.Summary.Id, AfterSequence = cursor }, cancellationToken: late.Token);
        while (await again.ResponseStream.MoveNext(late.Token)) cursor = Follow(again.ResponseStream.Current, cursor);
        Assert.Equal((await daemon.Training.GetRunAsync(new GetRunRequest { Run = run.Summary.Id })).Summary.Sequence, cursor);
    }

    /// <summary>The number after a message that goes on without gap or repetition.</summary>
    private static ulong Follow(WatchRunResponse message, ulong cursor)
    {
        foreach (RunEvent change in message.Events.Events)
        {
            Assert.Equal(cursor + 1, change.Sequence.First);
            cursor = change.Sequence.Last;
        }
        return cursor;
    }
}
