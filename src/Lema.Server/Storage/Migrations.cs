using System.Reflection;
using Dapper;
using Lema.Engine.Errors;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Storage;

/// <summary>The numbered scripts beside this file, each applied once and in order; SQLite's user_version counts them.</summary>
internal static class Migrations
{
    public static void Apply(SqliteConnection connection, string file)
    {
        string[] scripts = [.. Assembly.GetExecutingAssembly().GetManifestResourceNames()
            .Where(name => name.EndsWith(".sql", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        int applied = connection.QueryFirst<int>("PRAGMA user_version");
        if (applied > scripts.Length)
            throw new InvalidInputException("--data", file, "the database was written by a later version of the daemon. Use that version, or restore an older backup.");
        for (int i = applied; i < scripts.Length; i++)
        {
            using SqliteTransaction transaction = connection.BeginTransaction();
            connection.Execute(Read(scripts[i]), transaction: transaction);
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
