using System.CommandLine;

namespace Lema.Cli.Commands;

/// <summary>A noun that holds commands and does nothing itself.</summary>
internal sealed class CommandGroup : Command
{
    public CommandGroup(string name, string description, params IReadOnlyList<Command> commands) : base(name, description)
    {
        foreach (Command command in commands) Add(command);
    }
}
