using Grpc.Core;
using Lema.Engine.Errors;
using Lema.Engine.Streaming;
using Lema.Engine.Training;
using Lema.Protocol.V1;
using Lema.Server.EngineJobs;
using Lema.Server.Monitoring;
using Lema.Server.Tests.Fakes;
using Lema.Server.Workers;
using Microsoft.Extensions.Time.Testing;

namespace Lema.Server.Tests.Faults;

/// <summary>Workers that hang, by a clock that the test turns.</summary>
public sealed class WatchdogTests
{
    [Fact(DisplayName = "a worker that does not answer is ended")]
    public async Task Watched_WorkerThatDoesNotAnswer_IsEndedAsHung()
    {
        WorkerHungException hung = await Assert.ThrowsAsync<WorkerHungException>(() => WatchAsync(
            async stop => { await Task.Delay(Timeout.Infinite, stop); return new PingResponse(); }, WorkerWatchdog.AnswersWithin + TimeSpan.FromMinutes(1)));
        Assert.Contains("did not answer", hung.Message, StringComparison.Ordinal);
        Assert.True(WorkerFailure.From(hung).WorkerLost);
    }

    [Fact(DisplayName = "a worker that answers and does nothing is ended")]
    public async Task Watched_WorkerWithoutHeartbeat_IsEndedAsHung()
    {
        WorkerHungException hung = await Assert.ThrowsAsync<WorkerHungException>(() => WatchAsync(_ => Task.FromResult(new PingResponse { Heartbeat = 7 }), WorkerWatchdog.WorksWithin + TimeSpan.FromMinutes(1)));
        Assert.Contains("did nothing", hung.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Watched_WorkerWhoseHeartbeatRises_IsLeftAlone()
    {
        ulong heartbeat = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => WatchAsync(_ => Task.FromResult(new PingResponse { Heartbeat = ++heartbeat }), WorkerWatchdog.WorksWithin * 2));
    }

    [Fact(DisplayName = "a job that ends while its worker is asked for a sign of life has ended well")]
    public async Task Watched_WorkIsDoneWhileAPingIsUnderWay_GivesTheResult()
    {
        FakeTimeProvider clock = new();
        TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using SilentWorker worker = new(async stop =>
        {
            asked.SetResult();
            await Task.WhenAny(Task.Delay(Timeout.Infinite, stop));
            throw new RpcException(new Status(StatusCode.Cancelled, "Call canceled by the client."));
        });
        using WorkerBoard.Entry entry = new WorkerBoard().Add("job", worker, givenBytes: 0);
        Task<int> watched = WorkerWatchdog.WatchedAsync(worker, entry, clock, async _ =>
        {
            await asked.Task;
            return 7;
        }, CancellationToken.None);
        clock.Advance(WorkerWatchdog.Interval);
        Assert.Equal(7, await watched.WaitAsync(TimeSpan.FromMinutes(1)));
    }

    [Fact(DisplayName = "a worker in a step that takes long: visits of weights are signs of life, reports without any are none")]
    public async Task StreamReporter_WhileWeightsAreVisited_RaisesTheHeartbeatAndOtherwiseNot()
    {
        VisitedStream stream = new();
        using JobHost host = new(new ReportingRunner(stream));
        using CancellationTokenSource late = new(TimeSpan.FromMinutes(1));
        await using IAsyncEnumerator<WorkerEvent> reports = host.ExecuteAsync(new WorkerJob(), late.Token).GetAsyncEnumerator(late.Token);
        for (int i = 0; i < 2; i++) Assert.True(await reports.MoveNextAsync());
        Assert.Equal(0UL, host.Heartbeat);

        stream.Visits = 5;
        // The first may have been on its way.
        for (int i = 0; i < 2; i++) Assert.True(await reports.MoveNextAsync());
        Assert.Equal(1UL, host.Heartbeat);
        for (int i = 0; i < 2; i++) Assert.True(await reports.MoveNextAsync());
        Assert.Equal(1UL, host.Heartbeat);
    }

    [Fact(DisplayName = "memory guard: a worker over its limit is ended, with the figures")]
    public async Task Watched_WorkerOverItsLimit_IsEndedWithTheFigures()
    {
        BudgetExceededException refused = await Assert.ThrowsAsync<BudgetExceededException>(() => WatchAsync(_ => Task.FromResult(new PingResponse { RssBytes = 2_000_000 }), TimeSpan.FromMinutes(1)));
        Assert.Equal((2_000_000, 1_000_000), (refused.RequiredBytes, refused.BudgetBytes));
        Assert.False(WorkerFailure.From(refused).WorkerLost);
    }

    [Theory]
    [InlineData(900, 1_000, true, 1L << 30, false)]
    [InlineData(1_200, 1_000, true, 1L << 30, false)]
    [InlineData(1_300, 1_000, true, 1L << 30, true)]
    [InlineData(1_300, 1_000, false, 1L << 30, false)]
    [InlineData(1_300, 1_000, false, 1L << 20, true)]
    [InlineData(900, 1_000, false, 1L << 20, false)]
    [InlineData(1_300, 0, false, 1L << 20, false)]
    public void Judge_ByLimitAndShortage_EndsWhoHasMoreThanItsShare(long rss, long given, bool isLimit, long available, bool ends) =>
        Assert.Equal(ends, MemoryGuard.Judge("job", rss, given, isLimit, available) is not null);

    /// <summary>A job that is within one step all the time.</summary>
    private sealed class ReportingRunner(IWeightStream stream) : IJobRunner
    {
        public void Run(WorkerJob job, IJobContext context)
        {
            using StreamReporter reporter = new(new StreamOpened(stream, new Engine.Streaming.Planning.MemoryLedger()), "job", context);
            context.Stop.WaitHandle.WaitOne();
        }
    }

    /// <summary>A stream of no units whose visits the test counts.</summary>
    private sealed class VisitedStream : IWeightStream
    {
        private long _visits;

        public long Visits
        {
            get => Interlocked.Read(ref _visits);
            set => Interlocked.Exchange(ref _visits, value);
        }

        public IReadOnlyList<StreamUnit> Units => [];

        public long SlotBytes => 0;

        public long DeviceSlotBytes => 0;

        public MemoryRange HostMemory => default;

        public StreamStatistics Statistics => new(DiskBytes: 0, DeviceBytes: 0, DiskStallSeconds: 0, DeviceStallSeconds: 0, Loads: 0, Hits: 0, Visits);

        public StreamPicture Picture => new([], Current: -1, Descends: false);

        public void Schedule(IEnumerable<int> visits) => throw new NotSupportedException();

        public void ScheduleNext(IEnumerable<int> visits) => throw new NotSupportedException();

        public UnitLease Acquire(int unit) => throw new NotSupportedException();

        public TorchSharp.torch.Tensor GatherRows(Engine.Weights.TensorEntry matrix, ReadOnlySpan<long> rows) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }

    /// <summary>Watches for so long by the test's clock, then leaves.</summary>
    private static async Task WatchAsync(Func<CancellationToken, Task<PingResponse>> ping, TimeSpan time)
    {
        FakeTimeProvider clock = new();
        await using SilentWorker worker = new(ping);
        using WorkerBoard.Entry entry = new WorkerBoard().Add("job", worker, 1_000_000, isLimit: true);
        using CancellationTokenSource leave = new(TimeSpan.FromMinutes(1));
        Task<bool> watched = WorkerWatchdog.WatchedAsync(worker, entry, clock, async stop =>
        {
            await Task.Delay(Timeout.Infinite, stop);
            return true;
        }, leave.Token);
        for (TimeSpan passed = TimeSpan.Zero; passed < time && !watched.IsCompleted; passed += WorkerWatchdog.Interval)
        {
            clock.Advance(WorkerWatchdog.Interval);
            // What the timers woke runs on the pool.
            await Task.Yield();
        }
        while (!watched.IsCompleted && time < WorkerWatchdog.WorksWithin * 2)
        {
            clock.Advance(WorkerWatchdog.Interval);
            await Task.WhenAny(watched, Task.Delay(1));
        }
        await leave.CancelAsync();
        await watched.WaitAsync(TimeSpan.FromMinutes(1));
    }
}
