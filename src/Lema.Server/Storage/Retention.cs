using Dapper;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lema.Engine.Storage;
using Lema.Protocol.V1;
using Lema.Server.Runs;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Storage;

/// <summary>Removes what is old.</summary>
internal static class Retention
{
    private static readonly int[] AtWork = [(int)JobState.Queued, (int)JobState.Running];

    /// <summary>
    /// Removes runs that ended longer ago, with their events and checkpoints, evaluations of no run, or of one that is gone, and records of merges (not what
    /// they made) that ended longer ago, and uploads that nobody has gone on with for as long. A daemon may be at work beside it: what a run that is not over starts from, what is being merged or evaluated, and what has changed meanwhile, stays.
    /// </summary>
    /// <returns>Names of the runs, the evaluations, the exports and the uploads.</returns>
    public static async Task<IReadOnlyList<string>> PruneAsync(string data, TimeSpan age, TimeProvider clock, IFileLayer? files = null)
    {
        using RunDatabase database = RunDatabase.OpenExisting(Path.Combine(data, DataFolder.DatabaseName));
        DateTimeOffset before = clock.GetUtcNow() - age;
        List<string> names = [];
        foreach (byte[] detail in EndedRuns(database))
        {
            RunSummary run = RunDetail.Parser.ParseFrom(detail).Summary;
            if (run.Ended is not { } ended || ended.ToDateTimeOffset() >= before) continue;
            int removed = await database.WriteAsync((connection, transaction) => IsUsed(connection, transaction, run) ? 0 :
                connection.Execute("DELETE FROM runs WHERE id = @Id AND detail = @detail", new { run.Id, detail }, transaction)).ConfigureAwait(false);
            if (removed == 0) continue;
            Folders.DeleteIfThere(Path.Combine(data, "runs", run.Id), files);
            names.Add(run.Name);
        }
        // An evaluation of a run that is kept belongs to it and stays.
        names.AddRange(await PruneJobsAsync(database, "evaluation", " AND run_id NOT IN (SELECT id FROM runs)", EvaluationJob.Parser, job => (job.Id, job.Ended), before).ConfigureAwait(false));
        names.AddRange(await PruneJobsAsync(database, "export", "", Export.Parser, job => (job.Id, job.Ended), before).ConfigureAwait(false));
        return [.. names, .. PruneUploads(Path.Combine(data, "uploads"), before.UtcDateTime, files)];
    }

    /// <summary>Jobs of one kind, with what belongs to them and the keys they were started under.</summary>
    private static async Task<IReadOnlyList<string>> PruneJobsAsync<T>(
        RunDatabase database, string kind, string condition, MessageParser<T> parser, Func<T, (string Id, Timestamp? Ended)> of, DateTimeOffset before) where T : IMessage<T>
    {
        string[] old;
        using (SqliteConnection connection = database.Connect())
            old = [.. connection.Query<byte[]>($"SELECT body FROM jobs WHERE kind = @kind AND state NOT IN @AtWork{condition}", new { kind, AtWork }, buffered: false)
                .Select(body => of(parser.ParseFrom(body))).Where(job => job.Ended is { } ended && ended.ToDateTimeOffset() < before).Select(job => job.Id)];
        foreach (string id in old)
            await database.WriteAsync((connection, transaction) => connection.Execute("DELETE FROM jobs WHERE id = @id", new { id }, transaction)).ConfigureAwait(false);
        return [.. old.Select(id => $"{kind} {id}")];
    }

    private static bool IsUsed(SqliteConnection connection, SqliteTransaction transaction, RunSummary run)
    {
        if (connection.QueryFirst<long>("SELECT count(*) FROM jobs WHERE run_id = @Id AND state IN @States", new { run.Id, States = AtWork }, transaction) > 0) return true;
        return RunStore.Unfinished(connection, transaction).Any(other => AdapterFinder.StartsFrom(other, run));
    }

    private static IEnumerable<string> PruneUploads(string uploads, DateTime before, IFileLayer? files)
    {
        if (!Directory.Exists(uploads)) yield break;
        foreach (string upload in Directory.GetDirectories(uploads).Where(folder => !Path.GetFileName(folder).StartsWith('.') && IsOlder(folder, before)))
        {
            // Whoever goes on with it in this moment begins it again.
            Folders.DeleteIfThere(upload, files);
            yield return $"upload {Path.GetFileName(upload)}";
        }
    }

    /// <summary>What is written to a file of an upload, what is recorded of it, and the making of it, all leave their time.</summary>
    private static bool IsOlder(string upload, DateTime before) =>
        Directory.GetLastWriteTimeUtc(upload) < before && Folders.Files(upload).All(item => item.File.LastWriteTimeUtc < before);

    private static IReadOnlyList<byte[]> EndedRuns(RunDatabase database)
    {
        using SqliteConnection connection = database.Connect();
        return [.. connection.Query<byte[]>("SELECT detail FROM runs WHERE state IN @Ended", new { RunStates.Ended })];
    }
}
