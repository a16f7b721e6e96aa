using System.CommandLine;
using Lema.Protocol.V1;
using Lema.Server.Security;
using Lema.Server.Storage;

namespace Lema.Server.Commands;

/// <summary><c>lema-server token add|list|remove</c>: works on the data folder, whether the daemon runs or not.</summary>
internal static class TokenCommands
{
    public static Command Create()
    {
        Command token = new("token", "Tokens that clients call with.");
        token.Subcommands.Add(Add());
        token.Subcommands.Add(List());
        token.Subcommands.Add(Remove());
        return token;
    }

    private static Command Add()
    {
        Option<string> data = DataOption();
        Argument<string> name = new("name");
        Option<string> role = new("--role") { Description = "viewer, operator or admin", DefaultValueFactory = _ => "viewer" };
        role.AcceptOnlyFromAmong("viewer", "operator", "admin");
        Option<int?> days = new("--days") { Description = "How long it is valid. [for ever]" };
        Command command = new("add", "Makes a token and prints it; it is shown this once.") { name, data, role, days };
        command.SetAction((parsed, _) => ServerCommands.GuardAsync(async () =>
        {
            using RunDatabase database = Open(parsed.GetRequiredValue(data));
            TimeSpan? lifetime = parsed.GetValue(days) is { } count ? TimeSpan.FromDays(count) : null;
            Console.WriteLine(await new TokenStore(database, TimeProvider.System).AddAsync(parsed.GetRequiredValue(name), Enum.Parse<Role>(parsed.GetRequiredValue(role), ignoreCase: true), lifetime));
            return 0;
        }));
        return command;
    }

    private static Command List()
    {
        Option<string> data = DataOption();
        Command command = new("list", "Names and roles of the tokens.") { data };
        command.SetAction((parsed, _) => ServerCommands.GuardAsync(() =>
        {
            using RunDatabase database = Open(parsed.GetRequiredValue(data));
            foreach ((string name, Role role, DateTimeOffset created, DateTimeOffset? expires) in new TokenStore(database, TimeProvider.System).List())
                Console.WriteLine($"{name}\t{role.ToString().ToLowerInvariant()}\tcreated {created:yyyy-MM-dd}\t{(expires is { } end ? $"expires {end:yyyy-MM-dd}" : "does not expire")}");
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Command Remove()
    {
        Option<string> data = DataOption();
        Argument<string> name = new("name");
        Command command = new("remove", "Removes a token; calls with it are refused at once.") { name, data };
        command.SetAction((parsed, _) => ServerCommands.GuardAsync(async () =>
        {
            using RunDatabase database = Open(parsed.GetRequiredValue(data));
            await new TokenStore(database, TimeProvider.System).RemoveAsync(parsed.GetRequiredValue(name));
            return 0;
        }));
        return command;
    }

    private static Option<string> DataOption() => new("--data") { Description = "The daemon's data folder.", Required = true };

    private static RunDatabase Open(string data) => RunDatabase.OpenExisting(Path.Combine(Path.GetFullPath(data), DataFolder.DatabaseName));
}
