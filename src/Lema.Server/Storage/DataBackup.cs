using Dapper;
using Lema.Engine.Errors;
using Lema.Engine.Storage;
using Lema.Server.Security;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Storage;

/// <summary>Copies of a data folder. The database is copied first, as of one moment; what it refers to is there then and does not change afterwards.</summary>
internal static class DataBackup
{
    private static readonly string[] Parts = ["models", "datasets", "adapters", "runs", "tls"];

    /// <summary>Made whole or not at all.</summary>
    /// <exception cref="LemaException">The data folder has no database, the target exists, or the disk refuses.</exception>
    public static void Create(string data, string target, IFileLayer? files = null)
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
        }, files);
    }

    /// <summary>Made whole or not at all.</summary>
    /// <exception cref="LemaException">The backup is none or is damaged, or the target is not empty.</exception>
    public static void Restore(string backup, string target, IFileLayer? files = null)
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
        }, files);
    }

    private static void Copy(string from, string to)
    {
        // The audit log that is written before those put aside: one that is put aside in between is there twice, not missing.
        foreach (string name in (string[])[DataFolder.AdminTokenName, DataFolder.AuditLogName]) CopyIfThere(Path.Combine(from, name), to);
        foreach ((long _, string file) in AuditFiles.Aside(Path.Combine(from, DataFolder.AuditLogName)).ToArray()) CopyIfThere(file, to);
        foreach (string part in Parts)
        {
            if (!Directory.Exists(Path.Combine(from, part))) continue;
            Folders.CreatePrivate(Path.Combine(to, part));
            foreach ((string path, FileInfo file) in Folders.Files(Path.Combine(from, part)))
            {
                // What is being written just now is no part of the moment.
                if (path.Split('/').Any(name => name.StartsWith('.'))) continue;
                string target = Path.Combine(to, part, path);
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                // A checkpoint may be removed meanwhile to keep the last few.
                CopyIfThere(file.FullName, Path.GetDirectoryName(target)!);
            }
        }
    }

    private static void CopyIfThere(string file, string folder)
    {
        try
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }
        catch (IOException gone) when (gone is FileNotFoundException or DirectoryNotFoundException)
        {
        }
    }
}
