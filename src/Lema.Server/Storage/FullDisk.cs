using System.Runtime.InteropServices;
using Lema.Engine.Errors;
using Lema.Engine.Storage;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Storage;

/// <summary>Recognizes a write that failed for want of space or quota, whoever made it.</summary>
internal static partial class FullDisk
{
    /// <summary>SQLITE_FULL, SQLITE_IOERR, SQLITE_CANTOPEN.</summary>
    private const int DatabaseFull = 13, DatabaseInputOutput = 10, DatabaseNotOpened = 14;

    public static bool IsWhy(Exception error) => error switch
    {
        StorageException storage => storage.IsDiskFull,
        SqliteException database => database.SqliteErrorCode == DatabaseFull,
        IOException io => StorageFault.IsDiskFull(io),
        _ => false,
    };

    /// <summary>
    /// A used-up quota, and a disk without room for the memory that SQLite's connections share, are I/O errors to SQLite; the system's own number says what they are. To be asked
    /// before the connection is used again.
    /// </summary>
    /// <returns>The error as SQLITE_FULL; null when it is another.</returns>
    public static SqliteException? Unmasked(SqliteConnection connection, SqliteException error)
    {
        if (error.SqliteErrorCode is not (DatabaseInputOutput or DatabaseNotOpened) || connection.Handle is not { IsInvalid: false } handle) return null;
        int number = SystemErrorNumber(handle.DangerousGetHandle());
        return StorageFault.IsDiskFull(new IOException(null, number))
            ? new SqliteException($"the disk is full or the quota is used up ({Marshal.GetPInvokeErrorMessage(number)})", DatabaseFull) : null;
    }

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_system_errno")]
    private static partial int SystemErrorNumber(nint connection);
}
