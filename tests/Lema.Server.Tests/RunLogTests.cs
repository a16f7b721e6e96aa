using Dapper;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Runs;
using Lema.Server.Storage;
using Lema.Server.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace Lema.Server.Tests;

/// <summary>The one writer of all runs' logs.</summary>
public sealed class RunLogTests
{
    [Fact]
    public async Task Append_TogetherWithOneThatCannotBeWritten_IsWritten()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        RunSession gone = await CompletedAsync(daemon, "gone"), whole = await CompletedAsync(daemon, "whole");
        RunDatabase database = daemon.Services.GetRequiredService<RunDatabase>();
        RunJournal journal = daemon.Services.GetRequiredService<RunJournal>();
        using ManualResetEventSlim go = new();
        TaskCompletionSource held = new();
        // Holds the database, so that the last two events come to be written in one transaction.
        Task holding = Task.Run(() => database.WriteAsync((connection, transaction) =>
        {
            held.SetResult();
            Assert.True(go.Wait(TimeSpan.FromMinutes(1)));
            connection.Execute("DELETE FROM runs WHERE id = @Id", new { gone.Id }, transaction);
        }));
        await held.Task.WaitAsync(TimeSpan.FromMinutes(1));
        Task first = journal.LogAsync(whole, LogLine.Types.Level.Warning, "first");
        Task lost = journal.LogAsync(gone, LogLine.Types.Level.Warning, "lost"), second = journal.LogAsync(whole, LogLine.Types.Level.Warning, "second");
        go.Set();

        await Task.WhenAll(holding, first, second).WaitAsync(TimeSpan.FromMinutes(1));
        await Assert.ThrowsAsync<NotFoundException>(() => lost);
        Assert.Equal(["first", "second"], (await daemon.Training.ReadLogAsync(new ReadLogRequest { Run = "whole" })).Lines.TakeLast(2).Select(line => line.Line.Text));
    }

    /// <summary>Two calls at one moment: who comes too late looks at the state and has to find the other's.</summary>
    [Fact]
    public async Task ChangeState_AfterAnotherOfTheSameTransaction_IsRefusedWhenThatIsWritten()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        using SemaphoreSlim gate = daemon.Runner.Gate = new SemaphoreSlim(7);
        string id = (await daemon.StartRunAsync(20)).Summary.Id;
        await daemon.WaitForAsync(id, RunState.Running);
        await daemon.Training.PauseRunAsync(new PauseRunRequest { Run = id });
        await daemon.WaitForAsync(id, RunState.Paused);
        RunSession run = daemon.Services.GetRequiredService<RunDirectory>().Get(id);
        RunJournal journal = daemon.Services.GetRequiredService<RunJournal>();
        RunDatabase database = daemon.Services.GetRequiredService<RunDatabase>();
        using ManualResetEventSlim goOn = new(), goOnAgain = new();
        TaskCompletionSource held = new(), heldAgain = new();
        Task Hold(TaskCompletionSource begun, ManualResetEventSlim go) => Task.Run(() => database.WriteAsync((_, _) =>
        {
            begun.SetResult();
            Assert.True(go.Wait(TimeSpan.FromMinutes(1)));
        }));

        Task holding = Hold(held, goOn);
        await held.Task.WaitAsync(TimeSpan.FromMinutes(1));
        // While the first waits to be written the next two come together, and they wait for the second who holds the database.
        Task first = journal.LogAsync(run, LogLine.Types.Level.Warning, "first");
        await Task.Delay(50);
        Task holdingAgain = Hold(heldAgain, goOnAgain);
        await Task.Delay(50);
        Task stop = journal.ChangeStateAsync(run, RunState.Paused, RunState.Stopped);
        Task<RunState> late = Assert.ThrowsAsync<Errors.ConflictException>(() => journal.ChangeStateAsync(run, RunState.Paused, RunState.Queued)).ContinueWith(_ => run.State, TaskScheduler.Default);
        goOn.Set();
        await heldAgain.Task.WaitAsync(TimeSpan.FromMinutes(1));
        await Task.Delay(200);
        Assert.False(late.IsCompleted);
        goOnAgain.Set();

        await Task.WhenAll(holding, holdingAgain, first, stop).WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(RunState.Stopped, await late);
        gate.Release(100);
    }

    /// <summary>A run is written whole with every batch of its events, and its evaluations with it.</summary>
    [Fact(DisplayName = "a run of a thousand evaluations")]
    public async Task Append_OfAThousandEvaluations_KeepsTheRunSmall()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        RunSession run = await CompletedAsync(daemon, "evaluated");
        RunJournal journal = daemon.Services.GetRequiredService<RunJournal>();
        int bare = run.Detail.CalculateSize();
        TimeSpan before = await TimeOfAsync(journal, run);
        await journal.AppendAsync(run, [.. Enumerable.Range(1, 1_000).Select(i => new RunEvent
        {
            Evaluation = new EvaluationPoint { Step = 50L * i, Loss = 1.0 / i, Questions = 500, ValidFormat = 400, RightAnswer = 300 },
        })]);
        TimeSpan after = await TimeOfAsync(journal, run);
        Assert.Equal(1_000, run.Detail.Evaluations.Count);
        int each = (run.Detail.CalculateSize() - bare) / 1_000;
        TestContext.Current.TestOutputHelper?.WriteLine($"{bare} bytes without evaluations, {each} each; an event is written in {before.TotalMilliseconds:0.00} ms, {after.TotalMilliseconds:0.00} ms with a thousand");
        Assert.InRange(each, 1, 32);
    }

    /// <summary>The median of an event that is written by itself.</summary>
    private static async Task<TimeSpan> TimeOfAsync(RunJournal journal, RunSession run)
    {
        List<TimeSpan> times = [];
        for (int i = 0; i < 101; i++)
        {
            long start = TimeProvider.System.GetTimestamp();
            await journal.LogAsync(run, LogLine.Types.Level.Warning, "one");
            times.Add(TimeProvider.System.GetElapsedTime(start));
        }
        times.Sort();
        return times[times.Count / 2];
    }

    private static async Task<RunSession> CompletedAsync(TestDaemon daemon, string name)
    {
        RunDetail run = await daemon.StartRunAsync(1, request => request.Name = name);
        await daemon.WaitForAsync(run.Summary.Id, RunState.Completed);
        return daemon.Services.GetRequiredService<RunDirectory>().Get(run.Summary.Id);
    }
}
