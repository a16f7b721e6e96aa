using Lema.Protocol.V1;
using Lema.Server.Security;
using Lema.Server.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace Lema.Server.Tests.Faults;

/// <summary>Somebody sets the machine's clock while the daemon runs.</summary>
public sealed class ClockTests
{
    [Theory(DisplayName = "clock jumps")]
    [InlineData(-3_600)]
    [InlineData(86_400)]
    public async Task Clock_SetDuringARun_NeitherStallsWatchersNorEndsWorkersNorLocksOut(double seconds)
    {
        SettableClock clock = new();
        await using TestDaemon daemon = await TestDaemon.StartAsync(configure: services => services.AddSingleton<TimeProvider>(clock));
        await daemon.AddDatasetAsync();
        using SemaphoreSlim gate = daemon.Runner.Gate = new SemaphoreSlim(3);
        RunDetail run = await daemon.StartRunAsync(10);
        await daemon.WaitForAsync(run.Summary.Id, RunState.Running);
        FailureLimiter limiter = daemon.Services.GetRequiredService<FailureLimiter>();
        for (int i = 0; i < 10; i++) limiter.RecordFailure(System.Net.IPAddress.Loopback);

        clock.Jump(TimeSpan.FromSeconds(seconds));

        Assert.True(limiter.IsBlocked(System.Net.IPAddress.Loopback));
        gate.Release(100);
        await daemon.WaitForAsync(run.Summary.Id, RunState.Completed);
        RunDetail ended = await daemon.Training.GetRunAsync(new GetRunRequest { Run = run.Summary.Id });
        Assert.Equal(1, ended.Attempts);
    }

    /// <summary>The time of day can be set; timers and timestamps go on, as the system's do.</summary>
    private sealed class SettableClock : TimeProvider
    {
        private long _offsetTicks;

        public void Jump(TimeSpan by) => Interlocked.Add(ref _offsetTicks, by.Ticks);

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + new TimeSpan(Interlocked.Read(ref _offsetTicks));
    }
}
