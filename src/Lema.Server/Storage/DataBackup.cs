using Dapper;
using Lema.Engine.Errors;
using Lema.Engine.Storage;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Storage;

/// <summary>Copies of a data folder. The database is copied first, as of one moment; what it refers to is there then and does not change afterwards.</summary>
internal static class DataBackup
{
    private static readonly string[] Parts = ["models", "datasets", "adapters", "runs", "tls"];
    private static readonly string[] Files = ["admin.token", "audit.jsonl"];

    /// <summary>Made whole or not at all.</summary>
    /// <exception cref="LemaException">The data folder has no database, the target exists, or the disk refuses.</exception>
    public static void Create(string data, string target)
    {
        string database = Path.Combine(data, DataFolder.DatabaseName);
        if (!File.Exists(database)) throw new InvalidInputException("--data", data, "is no data folder: it has no lema.db.");
        AtomicFolder.Create(target, folder =>
        {
            Folders.MakePrivate(folder);
            using (SqliteConnection source = new($"Data Source={database};Mode=ReadWrite;Pooling=False"))
            using (SqliteConnection copy = new($"Data Source={Path.Combine(folder, DataFolder.DatabaseName)};Pooling=False"))
            {
                source.Open();
                copy.Open();
                source.BackupDatabase(copy);
            }
            Copy(data, folder);
        });
    }

    /// <summary>Made whole or not at all.</summary>
    /// <exception cref="LemaException">The backup is none or is damaged, or the target is not empty.</exception>
    public static void Restore(string backup, string target)
    {
        string database = Path.Combine(backup, DataFolder.DatabaseName);
        if (!File.Exists(database)) throw new InvalidInputException("--from", backup, "is no backup: it has no lema.db.");
        using (SqliteConnection check = new($"Data Source={database};Mode=ReadOnly;Pooling=False"))
        {
            check.Open();
            string verdict = check.QueryFirst<string>("PRAGMA integrity_check(1)");
            if (verdict != "ok") throw new StorageException(database, 0, $"the backup's database is damaged: {verdict}");
        }
        AtomicFolder.Create(target, folder =>
        {
            Folders.MakePrivate(folder);
            File.Copy(database, Path.Combine(folder, DataFolder.DatabaseName));
            Copy(backup, folder);
        });
    }

    private static void Copy(string from, string to)
    {
        foreach (string file in Files.Where(file => File.Exists(Path.Combine(from, file)))) File.Copy(Path.Combine(from, file), Path.Combine(to, file));
        foreach (string part in Parts.Where(part => Directory.Exists(Path.Combine(from, part))))
        {
            Folders.CreatePrivate(Path.Combine(to, part));
            foreach ((string path, FileInfo file) in Folders.Files(Path.Combine(from, part)))
            {
                // What is being written just now is no part of the moment.
                if (path.Split('/').Any(name => name.StartsWith('.'))) continue;
                string target = Path.Combine(to, part, path);
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                try
                {
                    file.CopyTo(target);
                }
                catch (FileNotFoundException)
                {
                    // A checkpoint that was removed meanwhile to keep the last few.
                }
                catch (DirectoryNotFoundException)
                {
                }
            }
        }
    }
}
