using System.CommandLine;
using Lema.Server.Storage;

namespace Lema.Server.Commands;

/// <summary><c>lema-server backup</c>, <c>restore</c> and <c>prune</c>.</summary>
internal static class BackupCommands
{
    public static IEnumerable<Command> Create()
    {
        yield return Backup();
        yield return Restore();
        yield return Prune();
    }

    private static Command Backup()
    {
        Option<string> data = new("--data") { Description = "The daemon's data folder; the daemon may be running.", Required = true };
        Option<string> to = new("--to") { Description = "Folder to make.", Required = true };
        Command command = new("backup", "Copies a data folder as of one moment.") { data, to };
        command.SetAction((parsed, _) => ServerCommands.GuardAsync(() =>
        {
            DataBackup.Create(Path.GetFullPath(parsed.GetRequiredValue(data)), Path.GetFullPath(parsed.GetRequiredValue(to)));
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command Restore()
    {
        Option<string> data = new("--data") { Description = "Folder to make the data folder in; it does not exist or is empty.", Required = true };
        Option<string> from = new("--from") { Description = "A backup.", Required = true };
        Command command = new("restore", "Makes a data folder from a backup.") { data, from };
        command.SetAction((parsed, _) => ServerCommands.GuardAsync(() =>
        {
            DataBackup.Restore(Path.GetFullPath(parsed.GetRequiredValue(from)), Path.GetFullPath(parsed.GetRequiredValue(data)));
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command Prune()
    {
        Option<string> data = new("--data") { Description = "The daemon's data folder; the daemon may be running.", Required = true };
        Option<int> days = new("--days") { Description = "Runs that ended more days ago are removed.", Required = true };
        Command command = new("prune", "Removes runs that ended long ago, with their checkpoints, and evaluations, records of merges and uploads as old.") { data, days };
        command.SetAction((parsed, _) => ServerCommands.GuardAsync(async () =>
        {
            IReadOnlyList<string> removed = await Retention.PruneAsync(Path.GetFullPath(parsed.GetRequiredValue(data)), TimeSpan.FromDays(parsed.GetRequiredValue(days)), TimeProvider.System);
            foreach (string name in removed) Console.WriteLine(name);
            return 0;
        }));
        return command;
    }
}
