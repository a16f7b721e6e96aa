using Dapper;
using Lema.Engine.Storage;
using Lema.Server.Artifacts;
using Lema.Server.Jobs;
using Lema.Server.Storage;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Hosting;

/// <summary>
/// Removes what a daemon that was killed left half-done: temporary files of a prepare or merge, uploads that are not whole, and what had its place already but not yet, or no longer, a row in
/// the database. Nobody else writes to the data folder yet.
/// </summary>
internal static class StartupCleanup
{
    public static void Run(DataFolder data, RunDatabase database, IFileLayer? files = null)
    {
        files ??= FileLayer.Instance;
        foreach (string folder in (string[])[data.Models, data.Prepared, data.Datasets, data.Adapters, data.Uploads])
        {
            Folders.RecoverReplaced(folder, files);
            foreach (string leftover in Directory.EnumerateDirectories(folder, ".*").ToArray()) files.DeleteFolder(leftover);
            foreach (string leftover in Directory.EnumerateFiles(folder, ".*").ToArray()) files.DeleteFile(leftover);
        }
        UploadStore.RemoveBroken(data.Uploads, files);
        using SqliteConnection connection = database.Connect();
        HashSet<string> models = Names(connection, "SELECT name FROM models");
        // A merge makes its folder whole: what is there of one whose end was not written down is its model.
        IEnumerable<string> merged = JobStores.Exports(database).Unfinished().Select(export => export.ModelName);
        RemoveFoldersBut([.. models, .. merged], data.Models, files);
        RemoveFoldersBut([.. models, Models.ModelRegistry.EmbeddedName], data.Prepared, files);
        RemoveFoldersBut(Names(connection, "SELECT id FROM runs"), data.Runs, files);
        HashSet<string> datasets = Names(connection, "SELECT file FROM datasets");
        foreach (string file in Directory.EnumerateFiles(data.Datasets).Where(file => !datasets.Contains(Path.GetFileName(file))).ToArray()) files.DeleteFile(file);
    }

    private static HashSet<string> Names(SqliteConnection connection, string query) => [.. connection.Query<string>(query)];

    private static void RemoveFoldersBut(HashSet<string> known, string parent, IFileLayer files)
    {
        foreach (string folder in Directory.GetDirectories(parent))
        {
            if (!known.Contains(Path.GetFileName(folder))) files.DeleteFolder(folder);
        }
    }
}
