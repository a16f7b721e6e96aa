using Dapper;
using Lema.Server.Jobs;
using Lema.Server.Storage;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Hosting;

/// <summary>
/// Removes what a daemon that was killed left half-done: temporary files of a prepare, merge or upload, and what had its place already but not yet, or no longer, a row in
/// the database. Nobody else writes to the data folder yet.
/// </summary>
internal static class StartupCleanup
{
    public static void Run(DataFolder data, RunDatabase database)
    {
        foreach (string folder in (string[])[data.Models, data.Prepared, data.Datasets, data.Adapters, data.Uploads])
        {
            Folders.RecoverReplaced(folder);
            foreach (string leftover in Directory.EnumerateDirectories(folder, ".*").ToArray()) Directory.Delete(leftover, recursive: true);
            foreach (string leftover in Directory.EnumerateFiles(folder, ".*").ToArray()) File.Delete(leftover);
        }
        using SqliteConnection connection = database.Connect();
        HashSet<string> models = Names(connection, "SELECT name FROM models");
        // A merge makes its folder whole: what is there of one whose end was not written down is its model.
        IEnumerable<string> merged = JobStores.Exports(database).Unfinished().Select(export => export.ModelName);
        RemoveFoldersBut([.. models, .. merged], data.Models);
        RemoveFoldersBut([.. models, Models.ModelRegistry.EmbeddedName], data.Prepared);
        RemoveFoldersBut(Names(connection, "SELECT id FROM runs"), data.Runs);
        HashSet<string> datasets = Names(connection, "SELECT file FROM datasets");
        foreach (string file in Directory.EnumerateFiles(data.Datasets).Where(file => !datasets.Contains(Path.GetFileName(file))).ToArray()) File.Delete(file);
    }

    private static HashSet<string> Names(SqliteConnection connection, string query) => [.. connection.Query<string>(query)];

    private static void RemoveFoldersBut(HashSet<string> known, string parent)
    {
        foreach (string folder in Directory.EnumerateDirectories(parent).Where(folder => !known.Contains(Path.GetFileName(folder))).ToArray()) Directory.Delete(folder, recursive: true);
    }
}
