using Dapper;
using Google.Protobuf;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Storage;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Runs;

/// <summary>Runs and their events as rows. Lives as long as the daemon; every call is one statement or takes the caller's transaction.</summary>
internal sealed class RunStore(RunDatabase database)
{
    public RunDatabase Database => database;

    public static void Insert(SqliteConnection connection, SqliteTransaction transaction, RunDetail run, string? idempotencyKey) => connection.Execute("""
        INSERT INTO runs (id, name, state, priority, queued, model, dataset, idempotency_key, detail)
        VALUES (@Id, @Name, @State, @Priority, @Queued, @Model, @Dataset, @Key, @Detail)
        """,
        new
        {
            run.Summary.Id, run.Summary.Name, State = (int)run.Summary.State, run.Summary.Priority, Queued = RunDatabase.Text(run.Summary.Created.ToDateTimeOffset()),
            run.Summary.Model, run.Summary.Dataset, Key = idempotencyKey, Detail = run.ToByteArray(),
        }, transaction);

    /// <exception cref="NotFoundException">The run has been removed.</exception>
    public static void Update(SqliteConnection connection, SqliteTransaction transaction, RunDetail run)
    {
        int changed = connection.Execute("UPDATE runs SET state = @State, detail = @Detail WHERE id = @Id",
            new { run.Summary.Id, State = (int)run.Summary.State, Detail = run.ToByteArray() }, transaction);
        if (changed == 0) throw new NotFoundException("run", run.Summary.Name, "It has been removed.");
    }

    public static void InsertEvent(SqliteConnection connection, SqliteTransaction transaction, string runId, RunEvent change)
    {
        if (change.BodyCase == RunEvent.BodyOneofCase.Steps)
        {
            StepPoint point = change.Steps.Points.Single();
            connection.Execute("""
                INSERT INTO run_steps (run_id, sequence, step, time, loss, learning_rate, grad_norm, tokens, seconds, stall_seconds, disk_bytes, peak_rss_bytes, ledger_bytes, ledger_peak_bytes)
                VALUES (@RunId, @Sequence, @Step, @Time, @Loss, @LearningRate, @GradNorm, @Tokens, @Seconds, @StallSeconds, @DiskBytes, @PeakRssBytes, @LedgerBytes, @LedgerPeakBytes)
                """, StepRow.From(runId, (long)change.Sequence.First, point), transaction);
            return;
        }
        connection.Execute("INSERT INTO run_events (run_id, sequence, is_log, body) VALUES (@runId, @Sequence, @IsLog, @Body)", new
        {
            runId, Sequence = (long)change.Sequence.First, IsLog = change.BodyCase == RunEvent.BodyOneofCase.Log ? 1 : 0, Body = change.ToByteArray(),
        }, transaction);
    }

    public RunDetail? Find(string idOrName)
    {
        using SqliteConnection connection = database.Connect();
        byte[]? detail = connection.QueryFirstOrDefault<byte[]>("SELECT detail FROM runs WHERE id = @idOrName OR name = @idOrName ORDER BY id = @idOrName DESC", new { idOrName });
        return detail is null ? null : RunDetail.Parser.ParseFrom(detail);
    }

    public bool Exists(string id)
    {
        using SqliteConnection connection = database.Connect();
        return connection.QueryFirst<long>("SELECT count(*) FROM runs WHERE id = @id", new { id }) > 0;
    }

    public IEnumerable<string> Ids()
    {
        using SqliteConnection connection = database.Connect();
        return connection.Query<string>("SELECT id FROM runs");
    }

    public RunDetail? FindByKey(string idempotencyKey)
    {
        using SqliteConnection connection = database.Connect();
        byte[]? detail = connection.QueryFirstOrDefault<byte[]>("SELECT detail FROM runs WHERE idempotency_key = @idempotencyKey", new { idempotencyKey });
        return detail is null ? null : RunDetail.Parser.ParseFrom(detail);
    }

    /// <summary>Newest first.</summary>
    /// <param name="beforeId">Only runs older than this one; empty: from the newest.</param>
    public IReadOnlyList<RunDetail> List(IReadOnlyCollection<RunState> states, string beforeId, int count)
    {
        using SqliteConnection connection = database.Connect();
        string filter = states.Count > 0 ? "AND state IN @States" : "";
        return [.. connection.Query<byte[]>($"SELECT detail FROM runs WHERE (@beforeId = '' OR id < @beforeId) {filter} ORDER BY id DESC LIMIT @count",
            new { beforeId, count, States = states.Select(s => (int)s).ToArray() }).Select(RunDetail.Parser.ParseFrom)];
    }

    /// <summary>Ids of the runs that wait, in the order they will start.</summary>
    public IReadOnlyList<string> Queue()
    {
        using SqliteConnection connection = database.Connect();
        return [.. connection.Query<string>("SELECT id FROM runs WHERE state = @State ORDER BY priority DESC, queued, id", new { State = (int)RunState.Queued })];
    }

    /// <summary>Events with a number above <paramref name="after"/>, in order.</summary>
    public IReadOnlyList<RunEvent> ReadEvents(string runId, ulong after, int limit)
    {
        using SqliteConnection connection = database.Connect();
        var arguments = new { runId, after = (long)after, limit };
        IEnumerable<RunEvent> others = connection.Query<byte[]>(
            "SELECT body FROM run_events WHERE run_id = @runId AND sequence > @after ORDER BY sequence LIMIT @limit", arguments).Select(RunEvent.Parser.ParseFrom);
        IEnumerable<RunEvent> steps = connection.Query<StepRow>(
            $"SELECT {StepRow.Columns} FROM run_steps WHERE run_id = @runId AND sequence > @after ORDER BY sequence LIMIT @limit", arguments).Select(row => row.ToEvent());
        return [.. others.Concat(steps).OrderBy(e => e.Sequence.First).Take(limit)];
    }

    /// <summary>All steps in the order they happened.</summary>
    public StepColumns ReadSteps(string runId)
    {
        using SqliteConnection connection = database.Connect();
        StepColumns columns = new();
        foreach (StepRow row in connection.Query<StepRow>($"SELECT {StepRow.Columns} FROM run_steps WHERE run_id = @runId ORDER BY sequence", new { runId }, buffered: false))
            columns.Add(row.ToPoint());
        return columns;
    }

    public IReadOnlyList<NumberedLogLine> ReadLog(string runId, ulong after, int limit)
    {
        using SqliteConnection connection = database.Connect();
        return [.. connection.Query<byte[]>("SELECT body FROM run_events WHERE run_id = @runId AND is_log = 1 AND sequence > @after ORDER BY sequence LIMIT @limit",
            new { runId, after = (long)after, limit }).Select(ToLogLine)];
    }

    /// <summary>The last lines, oldest first.</summary>
    public IReadOnlyList<NumberedLogLine> ReadLogTail(string runId, int count)
    {
        using SqliteConnection connection = database.Connect();
        return [.. connection.Query<byte[]>("SELECT body FROM run_events WHERE run_id = @runId AND is_log = 1 ORDER BY sequence DESC LIMIT @count", new { runId, count })
            .Select(ToLogLine).Reverse()];
    }

    public Task SaveRepliesAsync(string runId, long step, IEnumerable<EvaluatedReply> replies) => database.WriteAsync((connection, transaction) =>
    {
        foreach (EvaluatedReply reply in replies)
            connection.Execute("INSERT OR REPLACE INTO run_replies (run_id, step, reply_index, body) VALUES (@runId, @step, @Index, @Body)",
                new { runId, step, reply.Index, Body = reply.ToByteArray() }, transaction);
    });

    public IReadOnlyList<long> StepsWithReplies(string runId)
    {
        using SqliteConnection connection = database.Connect();
        return [.. connection.Query<long>("SELECT DISTINCT step FROM run_replies WHERE run_id = @runId ORDER BY step", new { runId })];
    }

    public IReadOnlyList<EvaluatedReply> ReadReplies(string runId, long step)
    {
        using SqliteConnection connection = database.Connect();
        return [.. connection.Query<byte[]>("SELECT body FROM run_replies WHERE run_id = @runId AND step = @step ORDER BY reply_index", new { runId, step })
            .Select(EvaluatedReply.Parser.ParseFrom)];
    }

    /// <summary>Puts a run at the end of its priority's queue.</summary>
    public static void Enqueue(SqliteConnection connection, SqliteTransaction transaction, string runId, DateTimeOffset time) =>
        connection.Execute("UPDATE runs SET queued = @Queued WHERE id = @runId", new { runId, Queued = RunDatabase.Text(time) }, transaction);

    /// <summary>What a user who resumes a run decides: where it goes on (0: from the newest checkpoint), and that its attempts are counted anew.</summary>
    public static void BeginAnew(SqliteConnection connection, SqliteTransaction transaction, string runId, long resumeStep) =>
        connection.Execute("UPDATE runs SET resume_step = @resumeStep, fruitless_attempts = 0 WHERE id = @runId", new { runId, resumeStep }, transaction);

    /// <summary>The run has saved a checkpoint after the one that it was to go on from.</summary>
    public static void ForgetResumeStep(SqliteConnection connection, SqliteTransaction transaction, string runId) =>
        connection.Execute("UPDATE runs SET resume_step = 0 WHERE id = @runId", new { runId }, transaction);

    /// <summary>The checkpoint that the run is to go on from, until it has saved another; 0: the newest.</summary>
    public long ResumeStep(string runId)
    {
        using SqliteConnection connection = database.Connect();
        return connection.QueryFirstOrDefault<long>("SELECT resume_step FROM runs WHERE id = @runId", new { runId });
    }

    /// <summary>Counts attempts that gained no step since the last one that did.</summary>
    public Task<int> CountAttemptAsync(string runId, bool gainedSteps) => database.WriteAsync((connection, transaction) =>
        connection.QueryFirstOrDefault<int>("UPDATE runs SET fruitless_attempts = iif(@gainedSteps, 0, fruitless_attempts + 1) WHERE id = @runId RETURNING fruitless_attempts",
            new { runId, gainedSteps }, transaction));

    /// <summary>Attempts that gained no step since the last one that did.</summary>
    public int FruitlessAttempts(string runId)
    {
        using SqliteConnection connection = database.Connect();
        return connection.QueryFirstOrDefault<int>("SELECT fruitless_attempts FROM runs WHERE id = @runId", new { runId });
    }

    /// <returns>False when the run is in none of these states, or is gone.</returns>
    public async Task<bool> DeleteAsync(string runId, IEnumerable<RunState> states) => await database.WriteAsync((connection, transaction) =>
        connection.Execute("DELETE FROM runs WHERE id = @runId AND state IN @States", new { runId, States = states.Select(s => (int)s).ToArray() }, transaction)).ConfigureAwait(false) == 1;

    public IReadOnlyList<KeyValuePair<RunState, long>> CountByState()
    {
        using SqliteConnection connection = database.Connect();
        return [.. connection.Query<(long State, long Count)>("SELECT state, count(*) FROM runs GROUP BY state").Select(row => KeyValuePair.Create((RunState)row.State, row.Count))];
    }

    /// <summary>Names of the runs that are not over and use something.</summary>
    public IReadOnlyList<string> Unfinished(Func<RunDetail, bool> uses)
    {
        using SqliteConnection connection = database.Connect();
        return [.. Unfinished(connection).Where(uses).Select(run => run.Summary.Name)];
    }

    /// <summary>The runs that are not over.</summary>
    public static IEnumerable<RunDetail> Unfinished(SqliteConnection connection, SqliteTransaction? transaction = null) =>
        connection.Query<byte[]>("SELECT detail FROM runs WHERE state NOT IN @Ended", new { RunStates.Ended }, transaction).Select(RunDetail.Parser.ParseFrom);

    private static NumberedLogLine ToLogLine(byte[] body)
    {
        RunEvent change = RunEvent.Parser.ParseFrom(body);
        return new NumberedLogLine { Sequence = change.Sequence.First, Time = change.Time, Line = change.Log };
    }
}
