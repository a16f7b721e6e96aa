using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Server.Models;
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

    [Fact(DisplayName = "streams: a preparation that is not read is ended")]
    public async Task PrepareModel_NotRead_IsEndedAfterTheWriteLimitAndTheModelCanBePreparedAgain()
    {
        FakeTimeProvider clock = new(DateTimeOffset.UtcNow);
        await using TestDaemon daemon = await TestDaemon.StartAsync(
            runner: new FakeJobRunner { LogLineLength = LineLength, PreparedLayers = 2 * Steps }, configure: services => services.AddSingleton<TimeProvider>(clock));
        Protocol.V1.Models.ModelsClient models = new(daemon.Channel);
        PrepareModelRequest request = new() { Name = "lema-tiny" };
        using CancellationTokenSource late = new(TimeSpan.FromMinutes(4));
        using AsyncServerStreamingCall<PrepareModelResponse> stuck = models.PrepareModel(request, cancellationToken: late.Token);
        Assert.True(await stuck.ResponseStream.MoveNext(late.Token));
        PreparationLocks locks = daemon.Services.GetRequiredService<PreparationLocks>();
        Assert.True(IsHeld(locks, request.Name));

        DateTimeOffset start = clock.GetUtcNow();
        while (IsHeld(locks, request.Name))
        {
            clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(10, late.Token);
        }
        Assert.True(clock.GetUtcNow() - start >= PatientWriter.Limit, $"ended after {clock.GetUtcNow() - start}");
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(daemon.Folder, "prepared")));
        RpcException ended = await Assert.ThrowsAsync<RpcException>(async () => { while (await stuck.ResponseStream.MoveNext(late.Token)) { } });
        Assert.True(Protocol.Client.Failure.IsTransient(ended));

        PrepareModelResponse? last = null;
        using AsyncServerStreamingCall<PrepareModelResponse> again = models.PrepareModel(request, cancellationToken: late.Token);
        while (await again.ResponseStream.MoveNext(late.Token)) last = again.ResponseStream.Current;
        Assert.True(last!.Completed.Prepared);
    }

    private static bool IsHeld(PreparationLocks locks, string model)
    {
        try
        {
            locks.Hold(model).Dispose();
            return false;
        }
        catch (Errors.ConflictException)
        {
            return true;
        }
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
