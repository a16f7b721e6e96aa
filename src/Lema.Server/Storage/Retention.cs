using Dapper;
using Lema.Protocol.V1;

namespace Lema.Server.Storage;

/// <summary>Removes what is old.</summary>
internal static class Retention
{
    private static readonly int[] Ended = [(int)RunState.Completed, (int)RunState.Failed, (int)RunState.Stopped];

    /// <summary>Removes runs that ended longer ago, with their events and checkpoints, and uploads that nobody has gone on with for as long.</summary>
    /// <returns>Names of the runs, and the uploads.</returns>
    public static async Task<IReadOnlyList<string>> PruneAsync(string data, TimeSpan age, TimeProvider clock)
    {
        using RunDatabase database = RunDatabase.OpenExisting(Path.Combine(data, DataFolder.DatabaseName));
        DateTimeOffset before = clock.GetUtcNow() - age;
        List<string> names = [];
        foreach (RunSummary run in Candidates(database).Where(run => run.Ended is { } ended && ended.ToDateTimeOffset() < before))
        {
            // Only if nobody has resumed it in the meantime.
            int removed = await database.WriteAsync((connection, transaction) =>
                connection.Execute("DELETE FROM runs WHERE id = @Id AND state IN @Ended", new { run.Id, Ended }, transaction)).ConfigureAwait(false);
            if (removed == 0) continue;
            Folders.DeleteIfThere(Path.Combine(data, "runs", run.Id));
            names.Add(run.Name);
        }
        return [.. names, .. PruneUploads(Path.Combine(data, "uploads"), before.UtcDateTime)];
    }

    private static IEnumerable<string> PruneUploads(string uploads, DateTime before)
    {
        if (!Directory.Exists(uploads)) yield break;
        // What is written to a file of an upload, and what is recorded of it, both leave their time.
        foreach (string upload in Directory.GetDirectories(uploads).Where(folder => Folders.Files(folder).All(item => item.File.LastWriteTimeUtc < before)))
        {
            Folders.DeleteIfThere(upload);
            yield return $"upload {Path.GetFileName(upload)}";
        }
    }

    private static IReadOnlyList<RunSummary> Candidates(RunDatabase database)
    {
        using var connection = database.Connect();
        return [.. connection.Query<byte[]>("SELECT detail FROM runs WHERE state IN @Ended", new { Ended }).Select(detail => RunDetail.Parser.ParseFrom(detail).Summary)];
    }
}
