using Dapper;
using Google.Protobuf;
using Lema.Protocol.V1;
using Lema.Server.Storage;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Jobs;

/// <summary>Exports and evaluations as rows. Lives as long as the daemon.</summary>
/// <param name="kind">Which of the two this store is for.</param>
internal sealed class JobStore<T>(RunDatabase database, string kind, MessageParser<T> parser) where T : IMessage<T>
{
    public Task InsertAsync(string id, string runId, JobState state, string idempotencyKey, T job) => database.WriteAsync((connection, transaction) => connection.Execute(
        "INSERT INTO jobs (id, kind, run_id, state, idempotency_key, body) VALUES (@id, @kind, @runId, @State, @Key, @Body)",
        new { id, kind, runId, State = (int)state, Key = idempotencyKey.Length > 0 ? idempotencyKey : null, Body = job.ToByteArray() }, transaction));

    /// <param name="also">What else belongs in the transaction.</param>
    public Task UpdateAsync(string id, JobState state, T job, Action<SqliteConnection, SqliteTransaction>? also = null) => database.WriteAsync((connection, transaction) =>
    {
        connection.Execute("UPDATE jobs SET state = @State, body = @Body WHERE id = @id", new { id, State = (int)state, Body = job.ToByteArray() }, transaction);
        also?.Invoke(connection, transaction);
    });

    public T? Find(string id) => First("id = @id", new { id, kind });

    public T? FindByKey(string key) => First("idempotency_key = @key", new { key, kind });

    /// <summary>Newest first.</summary>
    /// <param name="runId">Only those of this run; empty: all.</param>
    public IReadOnlyList<T> List(string runId)
    {
        using SqliteConnection connection = database.Connect();
        return [.. connection.Query<byte[]>("SELECT body FROM jobs WHERE kind = @kind AND (@runId = '' OR run_id = @runId) ORDER BY id DESC LIMIT 1000", new { kind, runId })
            .Select(parser.ParseFrom)];
    }

    /// <summary>Those that had not ended.</summary>
    public IReadOnlyList<T> Unfinished()
    {
        using SqliteConnection connection = database.Connect();
        return [.. connection.Query<byte[]>("SELECT body FROM jobs WHERE kind = @kind AND state IN @States", new { kind, States = new[] { (int)JobState.Queued, (int)JobState.Running } })
            .Select(parser.ParseFrom)];
    }

    public Task SaveRepliesAsync(string id, IEnumerable<EvaluatedReply> replies) => database.WriteAsync((connection, transaction) =>
    {
        foreach (EvaluatedReply reply in replies)
            connection.Execute("INSERT OR REPLACE INTO job_replies (job_id, reply_index, body) VALUES (@id, @Index, @Body)", new { id, reply.Index, Body = reply.ToByteArray() }, transaction);
    });

    public IReadOnlyList<EvaluatedReply> ReadReplies(string id, int first)
    {
        using SqliteConnection connection = database.Connect();
        return [.. connection.Query<byte[]>("SELECT body FROM job_replies WHERE job_id = @id AND reply_index >= @first ORDER BY reply_index", new { id, first })
            .Select(EvaluatedReply.Parser.ParseFrom)];
    }

    private T? First(string condition, object arguments)
    {
        using SqliteConnection connection = database.Connect();
        byte[]? body = connection.QueryFirstOrDefault<byte[]>($"SELECT body FROM jobs WHERE kind = @kind AND {condition}", arguments);
        return body is null ? default : parser.ParseFrom(body);
    }
}
