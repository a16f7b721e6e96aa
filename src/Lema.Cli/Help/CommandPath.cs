using System.CommandLine;
using Lema.Cli.Commands;

namespace Lema.Cli.Help;

internal static class CommandPath
{
    /// <summary>A command as it is typed: <c>lema-remote run list</c>.</summary>
    public static string Of(Command command)
    {
        Command? parent = command.Parents.OfType<Command>().FirstOrDefault();
        return parent is null ? LemaRootCommand.ProgramName : $"{Of(parent)} {command.Name}";
    }

    /// <summary>The words that lead from the root to a command; none for the root itself.</summary>
    public static IEnumerable<string> Words(Command command) => WithAncestors(command).SkipLast(1).Reverse().Select(c => c.Name);

    /// <summary>The command, its parent, and so on up to the root.</summary>
    public static IEnumerable<Command> WithAncestors(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? WithAncestors(parent).Prepend(command) : [command];
}
