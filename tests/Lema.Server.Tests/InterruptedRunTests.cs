using Lema.Protocol.V1;
using Lema.Server.Runs;
using Lema.Server.Storage;
using Lema.Server.Tests.Fakes;
using Lema.Server.Workers;
using Lema.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Lema.Server.Tests;

/// <summary>A pause that is asked for just when the worker or the daemon dies, or the next daemon takes the run up.</summary>
public sealed class InterruptedRunTests : IDisposable
{
    private readonly TemporaryFolder _data = new();
    private readonly TurnedClock _clock = new();
    private readonly FakeJobRunner _runner = new();
    private IServiceProvider? _services;

    public void Dispose() => _data.Dispose();

    [Fact(DisplayName = "kill: a pause that was asked for stays when the worker dies")]
    public async Task WorkerDied_WhileARunIsPausing_PausesIt()
    {
        await using TestDaemon daemon = await StartAsync();
        RunDirectory runs = daemon.Services.GetRequiredService<RunDirectory>();
        _runner.BeforeStep = step =>
        {
            if (step != 7) return;
            RunSession session = runs.Get("paused");
            SpinWait.SpinUntil(() => session.State == RunState.Running, TimeSpan.FromMinutes(1));
            daemon.Services.GetRequiredService<RunJournal>().ChangeStateAsync(session, RunState.Running, RunState.Pausing).GetAwaiter().GetResult();
            throw new WorkerDiedException(exitCode: 9);
        };
        await daemon.AddDatasetAsync();
        await daemon.StartRunAsync(20, request => request.Name = "paused");
        await _clock.UntilAsync(daemon.WaitForAsync("paused", RunState.Paused));
        string other = (await daemon.StartRunAsync(2)).Summary.Id;
        await _clock.UntilAsync(daemon.WaitForAsync(other, RunState.Completed));
        Assert.Equal(RunState.Paused, runs.Get("paused").State);
    }

    [Fact(DisplayName = "kill: a pause that was asked for stays")]
    public async Task Restart_WhileARunIsPausing_PausesItInOneWrite()
    {
        string run = await LeaveAsync(RunState.Pausing);
        await using TestDaemon daemon = await StartAsync();
        string other = (await daemon.StartRunAsync(2)).Summary.Id;
        await _clock.UntilAsync(daemon.WaitForAsync(other, RunState.Completed));

        IEnumerable<RunState> states = daemon.Services.GetRequiredService<RunStore>().ReadEvents(run, after: 0, limit: 1_000).Where(e => e.State is not null).Select(e => e.State.To);
        Assert.Equal([RunState.Pausing, RunState.Paused], states.TakeLast(2));
    }

    [Fact(DisplayName = "kill: a pause that is asked for while the daemon takes its runs up stays")]
    public async Task PauseRun_WhileItIsTakenUp_Stays()
    {
        string run = await LeaveAsync(RunState.Running);
        TaskCompletionSource paused = new();
        _clock.WhenRead = () =>
        {
            if (_services is not { } services || services.GetRequiredService<RunDirectory>().Get(run).State != RunState.Interrupted || !paused.TrySetResult()) return;
            services.GetRequiredService<RunManager>().PauseAsync(run).GetAwaiter().GetResult();
        };
        await using TestDaemon daemon = await StartAsync();
        await paused.Task.WaitAsync(TimeSpan.FromMinutes(1));
        string other = (await daemon.StartRunAsync(2)).Summary.Id;
        await _clock.UntilAsync(daemon.WaitForAsync(other, RunState.Completed));
        Assert.Equal(RunState.Paused, (await daemon.Training.GetRunAsync(new GetRunRequest { Run = run })).Summary.State);
    }

    /// <summary>A run in the state in which a daemon that was killed left it.</summary>
    private async Task<string> LeaveAsync(RunState state)
    {
        using SemaphoreSlim gate = _runner.Gate = new SemaphoreSlim(3);
        await using TestDaemon daemon = await StartAsync();
        await daemon.AddDatasetAsync();
        string run = (await daemon.StartRunAsync(20)).Summary.Id;
        await _clock.UntilAsync(daemon.WaitForAsync(run, RunState.Running));
        await daemon.StopAsync();
        _runner.Gate = null;
        await daemon.Services.GetRequiredService<RunDatabase>().WriteAsync((connection, transaction) =>
        {
            RunDetail left = daemon.Services.GetRequiredService<RunStore>().Find(run)!;
            Assert.Equal(RunState.Interrupted, left.Summary.State);
            left.Summary.State = state;
            RunStore.Update(connection, transaction, left);
            if (state == RunState.Running) return;
            left.Summary.Sequence++;
            RunStore.InsertEvent(connection, transaction, run, new RunEvent { Sequence = new SequenceRange { First = left.Summary.Sequence, Last = left.Summary.Sequence }, State = new StateChange { From = RunState.Running, To = state } });
            RunStore.Update(connection, transaction, left);
        });
        return run;
    }

    private Task<TestDaemon> StartAsync() => TestDaemon.StartAsync(_data.Path, _runner, configure: services => services.AddSingleton<TimeProvider>(provider =>
    {
        _services = provider;
        return _clock;
    }));
}
