using System.Reflection;
using Dapper;
using Lema.Engine.Errors;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Lema.Server.Storage;

/// <summary>The numbered scripts beside this file, each applied once and in order; SQLite's user_version counts them.</summary>
internal static class Migrations
{
    private static readonly string[] Scripts = [.. Assembly.GetExecutingAssembly().GetManifestResourceNames()
        .Where(name => name.EndsWith(".sql", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    /// <summary>The version that this program works with.</summary>
    public static int Newest => Scripts.Length;

    /// <summary>The version of a database; 0: it is new. To be asked before anything is changed.</summary>
    /// <exception cref="InvalidInputException">It is a later one than this program knows.</exception>
    public static int VersionOf(SqliteConnection connection, string file)
    {
        int version = connection.QueryFirst<int>("PRAGMA user_version");
        return version <= Newest ? version : throw new InvalidInputException("--data", file,
            $"the database was written by a later version of the daemon (tables of version {version}; this one knows {Newest}). Use that version, or restore an older backup.");
    }

    public static void Apply(SqliteConnection connection, string file)
    {
        for (int i = VersionOf(connection, file); i < Newest; i++)
        {
            using SqliteTransaction transaction = connection.BeginTransaction();
            // Not as a command of several statements: of those the provider swallows the failure of a later one.
            SqliteException.ThrowExceptionForRC(raw.sqlite3_exec(connection.Handle, Read(Scripts[i])), connection.Handle);
            connection.Execute($"PRAGMA user_version = {i + 1}", transaction: transaction);
            transaction.Commit();
        }
    }

    private static string Read(string resource)
    {
        using StreamReader reader = new(Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)!);
        return reader.ReadToEnd();
    }
}
