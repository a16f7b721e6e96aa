namespace Lema.Cli.Commands.RunCommands;

/// <summary>The command line that follows a run again, with the host and token file of this call.</summary>
internal static class ReattachCommand
{
    public static string Of(Invocation call, string run) => $"{LemaRootCommand.ProgramName} run watch {run}{call.HostFlags}";
}
