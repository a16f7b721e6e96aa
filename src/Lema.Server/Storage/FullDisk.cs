using Lema.Engine.Errors;
using Lema.Engine.Storage;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Storage;

/// <summary>Recognizes a write that failed for want of space, whoever made it.</summary>
internal static class FullDisk
{
    /// <summary>SQLITE_FULL.</summary>
    private const int DatabaseFull = 13;

    public static bool IsWhy(Exception error) => error switch
    {
        StorageException storage => storage.IsDiskFull,
        SqliteException database => database.SqliteErrorCode == DatabaseFull,
        IOException io => StorageFault.IsDiskFull(io),
        _ => false,
    };
}
