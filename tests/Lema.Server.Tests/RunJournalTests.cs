using Google.Protobuf.WellKnownTypes;
using Lema.Protocol.V1;
using Lema.Server.Errors;
using Lema.Server.Runs;
using Lema.Server.Storage;
using Lema.Server.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace Lema.Server.Tests;

/// <summary>Events that arrive together, of which some are refused and some cannot be written.</summary>
public sealed class RunJournalTests
{
    [Fact]
    public async Task Append_RefusedForAnotherThatIsNotWritten_IsTriedAgainAndComesAbout()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        RunJournal journal = daemon.Services.GetRequiredService<RunJournal>();
        RunSession run = await PausedAsync(daemon, "run"), other = await PausedAsync(daemon, "other");
        TaskCompletionSource taken = new();
        using SemaphoreSlim go = new(0);
        Task before = journal.AppendAsync(other, [new RunEvent { Log = new LogLine { Text = "first" } }], change: _ =>
        {
            taken.SetResult();
            Assert.True(go.Wait(TimeSpan.FromMinutes(1)));
        });
        await taken.Task.WaitAsync(TimeSpan.FromMinutes(1));

        // Both wait for the writer now, and are taken together.
        Task failing = journal.ChangeStateAsync(run, RunState.Paused, RunState.Queued, write: (_, _) => throw new InvalidOperationException("not written"));
        Task refused = journal.ChangeStateAsync(run, RunState.Paused, RunState.Stopped);
        go.Release();

        await before.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal("not written", (await Assert.ThrowsAsync<InvalidOperationException>(() => failing)).Message);
        await refused.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(RunState.Stopped, run.State);
        Assert.Equal([RunState.Stopped], daemon.Services.GetRequiredService<RunStore>().ReadEvents("run", after: 0, limit: 10).Select(one => one.State.To));
    }

    [Fact]
    public async Task Append_RefusedToARunThatIsGone_SaysWhyItWasRefused()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        RunSession run = await PausedAsync(daemon, "run");
        Assert.True(await daemon.Services.GetRequiredService<RunStore>().DeleteAsync("run", [RunState.Paused]));
        ConflictException refused = await Assert.ThrowsAsync<ConflictException>(() => daemon.Services.GetRequiredService<RunJournal>().ChangeStateAsync(run, RunState.Running, RunState.Completed));
        Assert.Contains("paused", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>A run that rests: nothing but the test changes it.</summary>
    private static async Task<RunSession> PausedAsync(TestDaemon daemon, string id)
    {
        RunDetail run = new() { Summary = new RunSummary { Id = id, Name = id, State = RunState.Paused, Model = "lema-tiny", Dataset = "rows", Created = Timestamp.FromDateTime(DateTime.UtcNow) } };
        await daemon.Services.GetRequiredService<RunDatabase>().WriteAsync((connection, transaction) => RunStore.Insert(connection, transaction, run, null));
        return daemon.Services.GetRequiredService<RunDirectory>().Get(id);
    }
}
