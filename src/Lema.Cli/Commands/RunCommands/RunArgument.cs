using System.CommandLine;

namespace Lema.Cli.Commands.RunCommands;

internal static class RunArgument
{
    public static Argument<string> Create() => new("RUN") { Description = "Name or id of a run." };
}
