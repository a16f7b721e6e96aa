using Dapper;
using Lema.Server.Storage;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Hosting;

/// <summary>Which daemon this is: its version, when it started, and an id that stays with its data folder. Lives as long as the daemon.</summary>
internal sealed class DaemonIdentity(string instanceId, DateTimeOffset started)
{
    public static string Version { get; } = typeof(DaemonIdentity).Assembly.GetName().Version!.ToString(3);

    public string InstanceId { get; } = instanceId;

    public DateTimeOffset Started { get; } = started;

    public static DaemonIdentity Read(RunDatabase database, TimeProvider clock)
    {
        using SqliteConnection connection = database.Connect();
        connection.Execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('instance_id', @id)", new { id = Guid.NewGuid().ToString("D") });
        return new DaemonIdentity(connection.QueryFirst<string>("SELECT value FROM meta WHERE key = 'instance_id'"), clock.GetUtcNow());
    }
}
