using System.Globalization;
using Dapper;
using Lema.Engine.Errors;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Lema.Server.Storage;

/// <summary>
/// The daemon's SQLite database: write-ahead log, every commit on the disk before it counts. Lives as long as the daemon; connections are short and pooled.
/// </summary>
public sealed class RunDatabase : IDisposable
{
    /// <summary>How long those who cannot go on without a write wait before they try again what the database refused.</summary>
    public static readonly TimeSpan PauseAfterRefusal = TimeSpan.FromSeconds(5);

    private readonly string _connectionString;
    private readonly SemaphoreSlim _writing = new(1, 1);

    /// <summary>Pages that are checked, or steps that a statement takes, between two signs of life.</summary>
    private const int StepsBetweenSigns = 1_000;

    private readonly DiskReserve? _reserve;

    private RunDatabase(string file, DiskReserve? reserve)
    {
        File = file;
        _reserve = reserve;
        _connectionString = ConnectionString(file, SqliteOpenMode.ReadWrite, pooled: true);
    }

    public string File { get; }

    /// <summary>Opens the file, or makes it; checks it and brings its tables up to this version.</summary>
    /// <exception cref="StorageException">The database is damaged.</exception>
    /// <exception cref="InvalidInputException">It was written by a later version.</exception>
    /// <param name="reserve">Given up when the disk is full, so that a write can still be made.</param>
    /// <param name="goesOn">Called again and again: the check of a large database takes minutes.</param>
    internal static RunDatabase Open(string file, DiskReserve? reserve = null, Action? goesOn = null)
    {
        try
        {
            try
            {
                Prepare(file, goesOn);
            }
            catch (SqliteException full) when (FullDisk.IsWhy(full) && reserve?.Release() == true)
            {
                // Opened, it takes some pages beside the file, which a daemon that stopped in order has given back.
                Prepare(file, goesOn);
            }
            return new RunDatabase(file, reserve);
        }
        catch (SqliteException error)
        {
            throw Unusable(file, error);
        }
    }

    /// <summary>Checks a database that no daemon is using, and changes nothing.</summary>
    /// <returns>The version that it has; less than <see cref="Migrations.Newest"/> when a start would bring it up.</returns>
    /// <exception cref="StorageException">The database is damaged.</exception>
    /// <exception cref="InvalidInputException">It was written by a later version.</exception>
    internal static int Look(string file, Action? goesOn = null)
    {
        try
        {
            // A daemon that was stopped in order leaves the file alone, and SQLite would make two others to read it; what a killed one had not yet moved into it is in them.
            bool alone = !System.IO.File.Exists(file + "-wal");
            using SqliteConnection connection = new(ConnectionString(alone ? $"{new Uri(file).AbsoluteUri}?immutable=1" : file, SqliteOpenMode.ReadOnly, pooled: false));
            connection.Open();
            int version = Migrations.VersionOf(connection, file);
            Check(connection, file, goesOn);
            return version;
        }
        catch (SqliteException error)
        {
            throw Unusable(file, error);
        }
    }

    private static StorageException Unusable(string file, SqliteException error) =>
        new(file, 0, $"the database cannot be used: {error.Message}", error) { IsDiskFull = FullDisk.IsWhy(error) };

    private static void Check(SqliteConnection connection, string file, Action? goesOn)
    {
        goesOn?.Invoke();
        if (goesOn is not null) raw.sqlite3_progress_handler(connection.Handle, StepsBetweenSigns, _ => { goesOn(); return 0; }, null);
        string verdict = connection.QueryFirst<string>("PRAGMA quick_check(1)");
        if (verdict != "ok") throw new StorageException(file, 0, $"the database is damaged: {verdict}. Restore it with `lema-server restore`.");
    }

    private static void Prepare(string file, Action? goesOn)
    {
        goesOn?.Invoke();
        using SqliteConnection connection = new(ConnectionString(file, SqliteOpenMode.ReadWriteCreate, pooled: false));
        try
        {
            connection.Open();
            // Before anything is changed.
            Migrations.VersionOf(connection, file);
            connection.Execute("PRAGMA journal_mode = WAL");
            Check(connection, file, goesOn);
            Migrations.Apply(connection, file);
        }
        catch (SqliteException error) when (FullDisk.Unmasked(connection, error) is { } full)
        {
            throw full;
        }
    }

    /// <summary>Opens a database that a daemon has made and may be using; its version must be this one's.</summary>
    /// <exception cref="InvalidInputException">There is none.</exception>
    public static RunDatabase OpenExisting(string file)
    {
        if (!System.IO.File.Exists(file)) throw new InvalidInputException("--data", file, "there is no database. Start the daemon once, or name its data folder.");
        RunDatabase database = new(file, reserve: null);
        try
        {
            using SqliteConnection connection = database.Connect();
            int version = Migrations.VersionOf(connection, file);
            // A daemon of that version may be at work: its tables are changed by the start of a later one alone.
            if (version < Migrations.Newest)
                throw new InvalidInputException("--data", file, $"the database is one of an earlier version of the daemon (tables of version {version}; this one works with {Migrations.Newest}). Start the daemon of this version once.");
            return database;
        }
        catch (Exception error)
        {
            database.Dispose();
            if (error is SqliteException unusable) throw Unusable(file, unusable);
            throw;
        }
    }

    /// <summary>A connection for reading. The caller disposes it.</summary>
    public SqliteConnection Connect()
    {
        SqliteConnection connection = new(_connectionString);
        connection.Open();
        connection.Execute("PRAGMA synchronous = FULL");
        return connection;
    }

    /// <summary>Runs one transaction at a time; it is on the disk when this returns. On a full disk the work may be done twice, the first time for nothing.</summary>
    public async Task<T> WriteAsync<T>(Func<SqliteConnection, SqliteTransaction, T> work, CancellationToken stop = default)
    {
        await _writing.WaitAsync(stop).ConfigureAwait(false);
        try
        {
            return Commit(work);
        }
        catch (SqliteException full) when (FullDisk.IsWhy(full) && _reserve?.Release() == true)
        {
            return Commit(work);
        }
        finally
        {
            _writing.Release();
        }
    }

    // Only a start makes the file: a data folder that is moved away under a daemon is not taken for a new one.
    private static string ConnectionString(string file, SqliteOpenMode mode, bool pooled) =>
        new SqliteConnectionStringBuilder { DataSource = file, Mode = mode, ForeignKeys = true, DefaultTimeout = 30, Pooling = pooled }.ToString();

    private T Commit<T>(Func<SqliteConnection, SqliteTransaction, T> work)
    {
        using SqliteConnection connection = Connect();
        try
        {
            using SqliteTransaction transaction = connection.BeginTransaction();
            T result = work(connection, transaction);
            transaction.Commit();
            return result;
        }
        catch (SqliteException error) when (FullDisk.Unmasked(connection, error) is { } full)
        {
            throw full;
        }
    }

    public Task WriteAsync(Action<SqliteConnection, SqliteTransaction> work, CancellationToken stop = default) =>
        WriteAsync((connection, transaction) =>
        {
            work(connection, transaction);
            return true;
        }, stop);

    public static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    public static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    public void Dispose()
    {
        using (SqliteConnection any = new(_connectionString)) SqliteConnection.ClearPool(any);
        _writing.Dispose();
    }
}
