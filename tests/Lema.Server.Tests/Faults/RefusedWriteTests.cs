using Dapper;
using Grpc.Core;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Jobs;
using Lema.Server.Models;
using Lema.Server.Runs;
using Lema.Server.Storage;
using Lema.Server.Tests.Fakes;
using Lema.Server.Workers;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace Lema.Server.Tests.Faults;

/// <summary>Writes of the database that the system refuses at chosen moments, by a clock that the test turns.</summary>
public sealed class RefusedWriteTests
{
    [Theory(DisplayName = "disk full, quota: of the database alone")]
    [InlineData(RefusedWrites.NoSpaceLeft)]
    [InlineData(RefusedWrites.QuotaExceeded)]
    public async Task WritesRefused_DuringARun_PauseItAndItGoesOnByItself(int error)
    {
        using Stage stage = new();
        await using TestDaemon daemon = await stage.StartAsync();
        RunSession session = await stage.FillAsync(daemon, error);
        Assert.Equal(RunState.Paused, session.State);
        Assert.Contains("full", session.Summary.Reason, StringComparison.Ordinal);
        await stage.Clock.UntilAsync(daemon.WaitForAsync(session.Id, RunState.Completed));
    }

    [Fact]
    public async Task OtherWriteErrors_OfTheDatabase_AreNotTakenForAFullDisk()
    {
        using Stage stage = new();
        await using TestDaemon daemon = await stage.StartAsync();
        stage.Refuse(RefusedWrites.InputOutput);
        SqliteException refused = await Assert.ThrowsAsync<SqliteException>(() => daemon.Services.GetRequiredService<RunDatabase>().WriteAsync((connection, transaction) =>
            connection.Execute("INSERT INTO meta (key, value) VALUES ('a', 'b')", transaction: transaction)));
        Assert.False(FullDisk.IsWhy(refused), refused.Message);
        Assert.True(File.Exists(Path.Combine(daemon.Folder, "reserve")));
        stage.Refused.End();
    }

    [Fact(DisplayName = "disk full, quota: again when the run is to go on")]
    public async Task WritesRefused_WhenARunIsToGoOn_AreTriedAgainUntilThereIsRoom()
    {
        using Stage stage = new();
        await using TestDaemon daemon = await stage.StartAsync();
        string run = (await stage.FillAsync(daemon, RefusedWrites.QuotaExceeded)).Id;

        stage.Refuse(RefusedWrites.QuotaExceeded);
        await stage.Clock.UntilAsync(stage.Refused.UntilAsync(4));
        Assert.True((await daemon.Training.GetRunAsync(new GetRunRequest { Run = run })).WaitsForDisk);
        stage.Refused.End();

        await stage.Clock.UntilAsync(daemon.WaitForAsync(run, RunState.Completed));
    }

    [Fact(DisplayName = "disk full, quota: a run that waits, and that a user stops, stays stopped")]
    public async Task StopRun_WhileItWaitsForSpace_StaysStopped()
    {
        using Stage stage = new();
        await using TestDaemon daemon = await stage.StartAsync();
        string run = (await stage.FillAsync(daemon, RefusedWrites.QuotaExceeded)).Id;

        stage.Refuse(RefusedWrites.QuotaExceeded);
        await stage.Clock.UntilAsync(stage.Refused.UntilAsync(2));
        stage.Refused.End();
        await daemon.Training.StopRunAsync(new StopRunRequest { Run = run });
        stage.Clock.Advance(2 * DiskSpace.Interval);

        string other = (await daemon.StartRunAsync(2)).Summary.Id;
        await stage.Clock.UntilAsync(daemon.WaitForAsync(other, RunState.Completed));
        Assert.Equal(RunState.Stopped, (await daemon.Training.GetRunAsync(new GetRunRequest { Run = run })).Summary.State);
    }

    [Fact(DisplayName = "disk full: a run that a user pauses in that moment stays paused")]
    public async Task FullDisk_OfARunThatIsBeingPaused_DoesNotMakeItGoOnByItself()
    {
        using Stage stage = new();
        await using TestDaemon daemon = await stage.StartAsync();
        await daemon.AddDatasetAsync();
        stage.Runner.BeforeStep = step =>
        {
            if (step != 7) return;
            RunSession run = daemon.Services.GetRequiredService<RunDirectory>().Get("paused");
            daemon.Training.PauseRun(new PauseRunRequest { Run = run.Id });
            throw new StorageException("checkpoint", 0, "the disk is full.") { IsDiskFull = true };
        };
        string id = (await daemon.StartRunAsync(20, request => request.Name = "paused")).Summary.Id;
        await stage.Clock.UntilAsync(daemon.WaitForAsync(id, RunState.Paused));
        Assert.False((await daemon.Training.GetRunAsync(new GetRunRequest { Run = id })).WaitsForDisk);
    }

    [Fact(DisplayName = "io error of the database: a run that cannot begin is tried again, with a pause")]
    public async Task OtherWriteErrors_WhenARunIsToBegin_LeaveItQueuedAndDoNotTurnTheQueueInCircles()
    {
        using Stage stage = new();
        await using TestDaemon daemon = await stage.StartAsync();
        await daemon.AddDatasetAsync();
        MemoryLedger memory = daemon.Services.GetRequiredService<MemoryLedger>();
        IDisposable all = memory.TryReserve("something else", memory.TotalBytes)!;
        string id = (await daemon.StartRunAsync(3)).Summary.Id;
        stage.Refuse(RefusedWrites.InputOutput);
        all.Dispose();
        await stage.Refused.UntilAsync(1);

        await Task.Delay(300);
        Assert.InRange(stage.Refused.Unseen, 0, 10);
        Assert.Equal(RunState.Queued, daemon.Services.GetRequiredService<RunDirectory>().Get(id).State);
        stage.Refused.End();
        await stage.Clock.UntilAsync(daemon.WaitForAsync(id, RunState.Completed));
    }

    [Fact(DisplayName = "disk full, quota: when a run whose worker died is to be queued again")]
    public async Task WritesRefused_AfterAnAttempt_AreTriedAgainUntilThereIsRoom()
    {
        using Stage stage = new();
        int deaths = 0;
        stage.Runner.BeforeStep = step => { if (step == 7 && deaths++ == 0) throw new WorkerDiedException(exitCode: 9); };
        await using TestDaemon daemon = await stage.StartAsync();
        await daemon.AddDatasetAsync();
        const string run = "dies";
        RunDirectory runs = daemon.Services.GetRequiredService<RunDirectory>();
        // Before the run starts, which may be over before its start is answered.
        stage.Clock.WhenRead = () =>
        {
            if (stage.Refusals > 0 || runs.Find(run)?.State != RunState.Interrupted) return;
            stage.Refuse(RefusedWrites.NoSpaceLeft);
        };
        await daemon.StartRunAsync(20, request => request.Name = run);
        await stage.Clock.UntilAsync(stage.Refused.UntilAsync(4));
        Assert.Equal(RunState.Interrupted, runs.Get(run).State);
        stage.Refused.End();

        await stage.Clock.UntilAsync(daemon.WaitForAsync(run, RunState.Completed));
    }

    [Fact(DisplayName = "disk full, quota: a daemon that is told to stop does not wait for space, and the next one takes the run up")]
    public async Task Stop_WhileTheStateOfARunCannotBeWritten_EndsBeforeTheDrainLimit()
    {
        using Stage stage = new();
        stage.Runner.BeforeStep = step => { if (step == 7 && stage.Refusals == 0) stage.Refuse(RefusedWrites.NoSpaceLeft); };
        string run;
        await using (TestDaemon daemon = await stage.StartAsync())
        {
            await daemon.AddDatasetAsync();
            run = (await daemon.StartRunAsync(20)).Summary.Id;
            await stage.Clock.UntilAsync(stage.Refused.UntilAsync(4));
            DateTimeOffset told = stage.Clock.GetUtcNow();
            await stage.Clock.UntilAsync(daemon.StopAsync());
            Assert.InRange(stage.Clock.GetUtcNow() - told, TimeSpan.Zero, TimeSpan.FromSeconds(9));
        }
        stage.Refused.End();
        await using TestDaemon again = await stage.StartAsync();
        await stage.Clock.UntilAsync(again.WaitForAsync(run, RunState.Completed));
    }

    [Fact(DisplayName = "EIO: of the database")]
    public async Task WritesRefused_ForAnotherReason_EndTheRunAsFailedAndNotAsOneWithoutAWorker()
    {
        using Stage stage = new();
        stage.Runner.BeforeStep = step => { if (step == 7 && stage.Refusals == 0) stage.Refuse(RefusedWrites.InputOutput); };
        await using TestDaemon daemon = await stage.StartAsync();
        await daemon.AddDatasetAsync();
        string run = (await daemon.StartRunAsync(20)).Summary.Id;
        await stage.Clock.UntilAsync(stage.Refused.UntilAsync(3));
        stage.Refused.End();
        RunSummary failed = await stage.Clock.UntilAsync(daemon.WaitForAsync(run, RunState.Failed));
        Assert.Contains("I/O", failed.Reason, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "disk full, quota: when a run fails")]
    public async Task WritesRefused_WhenARunFails_LeaveItFailedWithTheReason()
    {
        using Stage stage = new();
        stage.Runner.BeforeStep = step =>
        {
            if (step != 7) return;
            // What came before is written: otherwise that is what finds no room.
            RunStore store = stage.Services!.GetRequiredService<RunStore>();
            Assert.True(SpinWait.SpinUntil(() => store.List([RunState.Running], "", 1) is [{ Summary.Step: 6 }], TimeSpan.FromMinutes(1)));
            stage.Refuse(RefusedWrites.NoSpaceLeft);
            throw new InvalidInputException("rows", "7", "is no row.");
        };
        await using TestDaemon daemon = await stage.StartAsync();
        await daemon.AddDatasetAsync();
        string run = (await daemon.StartRunAsync(20)).Summary.Id;
        await stage.Clock.UntilAsync(stage.Refused.UntilAsync(5));
        stage.Refused.End();

        RunSummary failed = await stage.Clock.UntilAsync(daemon.WaitForAsync(run, RunState.Failed));
        Assert.Contains("is no row", failed.Reason, StringComparison.Ordinal);
        // The line of the log found no room; had it, the state would have too.
        Assert.DoesNotContain((await daemon.Training.ReadLogAsync(new ReadLogRequest { Run = run })).Lines, line => line.Line.Text.Contains("is no row", StringComparison.Ordinal));
    }

    [Fact(DisplayName = "disk full, quota: the end of a merge is told at once and written down when there is space")]
    public async Task WritesRefused_WhenAMergeEnds_ItsEndIsToldAndWrittenLater()
    {
        using Stage stage = new();
        await using TestDaemon daemon = await stage.StartAsync();
        await daemon.AddDatasetAsync();
        await daemon.StartRunAsync(2, request => request.Name = "tuned");
        await stage.Clock.UntilAsync(daemon.WaitForAsync("tuned", RunState.Completed));
        Exports.ExportsClient exports = new(daemon.Channel);
        stage.Runner.BeforeEnd = () => stage.Refuse(RefusedWrites.QuotaExceeded);
        Export merge = await exports.StartMergeAsync(new StartMergeRequest { Run = "tuned", ModelName = "merged" });

        Export last = merge;
        await foreach (Export export in exports.WatchExport(new WatchExportRequest { Id = merge.Id }, deadline: DateTime.UtcNow.AddMinutes(1)).ResponseStream.ReadAllAsync()) last = export;
        Assert.Equal((JobState.Completed, ""), (last.State, last.Error));
        Assert.Equal(JobState.Completed, (await exports.CancelExportAsync(new CancelExportRequest { Id = merge.Id }, deadline: DateTime.UtcNow.AddMinutes(1))).State);
        // The name is taken, though the model is not yet one of the host's.
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => exports.StartMergeAsync(new StartMergeRequest { Run = "tuned", ModelName = "merged" }).ResponseAsync);
        Assert.Contains("under way", refused.Status.Detail, StringComparison.Ordinal);

        stage.Refused.End();
        await stage.Clock.UntilAsync(WrittenAsync(daemon.Services.GetRequiredService<JobStore<Export>>(), merge.Id, export => export.State == JobState.Completed));
        Assert.Equal(last.Folder, daemon.Services.GetRequiredService<ModelRegistry>().Get("merged").Folder);
        Assert.NotEmpty(Directory.GetFiles(last.Folder));
    }

    [Fact(DisplayName = "disk full, quota: the end of an evaluation is told at once and written down when there is space")]
    public async Task WritesRefused_WhenAnEvaluationEnds_ItsEndIsToldAndWrittenLater()
    {
        using Stage stage = new();
        await using TestDaemon daemon = await stage.StartAsync();
        Evaluation.EvaluationClient evaluations = new(daemon.Channel);
        stage.Runner.BeforeEnd = () => stage.Refuse(RefusedWrites.NoSpaceLeft);
        EvaluationJob job = await evaluations.StartEvaluationAsync(new StartEvaluationRequest { Target = new ModelReference { Model = "lema-tiny" }, Text = "one" });

        JobState last = job.State;
        await foreach (WatchEvaluationResponse message in evaluations.WatchEvaluation(new WatchEvaluationRequest { Id = job.Id }, deadline: DateTime.UtcNow.AddMinutes(1)).ResponseStream.ReadAllAsync()) last = message.Job.State;
        Assert.Equal(JobState.Completed, last);

        stage.Refused.End();
        await stage.Clock.UntilAsync(WrittenAsync(daemon.Services.GetRequiredService<JobStore<EvaluationJob>>(), job.Id, evaluation => evaluation.State == JobState.Completed));
    }

    [Fact(DisplayName = "disk full, quota: a daemon starts that cannot write down what became of the last one's jobs")]
    public async Task Start_WithJobsOfTheLastDaemonAndWritesRefused_AnswersAndWritesLater()
    {
        using Stage stage = new();
        await using (TestDaemon daemon = await stage.StartAsync())
        {
            await daemon.Services.GetRequiredService<JobStore<Export>>().InsertAsync("export", "", JobState.Running, "", new Export { Id = "export", State = JobState.Running, ModelName = "merged" });
            await daemon.Services.GetRequiredService<JobStore<EvaluationJob>>().InsertAsync("evaluation", "", JobState.Running, "", new EvaluationJob { Id = "evaluation", State = JobState.Running });
        }
        // The clock is read for the first time when the database is open.
        stage.Clock.WhenRead = () => { if (stage.Refusals == 0) stage.Refuse(RefusedWrites.NoSpaceLeft); };
        await using TestDaemon again = await stage.StartAsync();
        Assert.Equal(JobState.Failed, (await new Exports.ExportsClient(again.Channel).GetExportAsync(new GetExportRequest { Id = "export" })).State);
        Assert.Equal(JobState.Failed, (await new Evaluation.EvaluationClient(again.Channel).GetEvaluationAsync(new GetEvaluationRequest { Id = "evaluation" })).Job.State);
        await stage.Refused.UntilAsync(1);

        stage.Refused.End();
        await stage.Clock.UntilAsync(WrittenAsync(again.Services.GetRequiredService<JobStore<Export>>(), "export", export => export.State == JobState.Failed));
        await stage.Clock.UntilAsync(WrittenAsync(again.Services.GetRequiredService<JobStore<EvaluationJob>>(), "evaluation", job => job.State == JobState.Failed));
    }

    private static async Task WrittenAsync<T>(JobStore<T> store, string id, Func<T, bool> ended) where T : Google.Protobuf.IMessage<T>
    {
        while (!ended(store.Find(id)!)) await Task.Delay(TimeSpan.FromMilliseconds(10));
    }

    /// <summary>A data folder whose database cannot be written when the test says so, and a clock.</summary>
    private sealed class Stage : IDisposable
    {
        private readonly Testing.TemporaryFolder _folder = new();

        public Stage() => Refused = RefusedWrites.Below(_folder.Path);

        public RefusedWrites Refused { get; }

        public TurnedClock Clock { get; } = new();

        public FakeJobRunner Runner { get; } = new();

        /// <summary>Times that it began.</summary>
        public int Refusals { get; private set; }

        public void Refuse(int error)
        {
            Refusals++;
            Refused.Begin(error);
        }

        /// <summary>The newest daemon's, as soon as it is built.</summary>
        public IServiceProvider? Services { get; private set; }

        public Task<TestDaemon> StartAsync() => TestDaemon.StartAsync(Path.Combine(_folder.Path, "data"), Runner, configure: services => services.AddSingleton<TimeProvider>(provider =>
        {
            Services = provider;
            return Clock;
        }));

        /// <summary>Starts a run whose seventh step finds the disk full; there is space again when the run waits for it.</summary>
        public async Task<RunSession> FillAsync(TestDaemon daemon, int error)
        {
            Runner.BeforeStep = step => { if (step == 7 && Refusals == 0) Refuse(error); };
            await daemon.AddDatasetAsync();
            string run = (await daemon.StartRunAsync(20)).Summary.Id;
            // One that releases the reserve, one after it, and one of the state.
            await Clock.UntilAsync(Refused.UntilAsync(3));
            Refused.End();
            RunSession session = daemon.Services.GetRequiredService<RunDirectory>().Get(run);
            await Clock.UntilAsync(() => session.Detail.WaitsForDisk);
            return session;
        }

        public void Dispose()
        {
            Refused.Dispose();
            _folder.Dispose();
        }
    }
}
