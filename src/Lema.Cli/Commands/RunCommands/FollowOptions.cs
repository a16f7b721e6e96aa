using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Following;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>How a run is followed, shared by <c>train</c> and <c>run watch</c>.</summary>
internal sealed class FollowOptions
{
    private readonly Option<string?> _notify = new("--notify")
    {
        Description = $"Command to run when the run ends, such as a desktop notification; it sees LEMA_RUN, LEMA_RUN_STATE, LEMA_RUN_STEP, LEMA_RUN_LOSS, LEMA_RUN_REASON. [{EndHook.Variable}]",
        HelpName = "COMMAND",
    };

    public void AddTo(Command command) => command.Add(_notify);

    /// <summary>Follows a run to its end, and says what came of it.</summary>
    public async Task<int> FollowAsync(Invocation call, HostConnection host, string run, string reattach, ulong? afterSequence, CancellationToken cancellation)
    {
        int exitCode = await new RunFollower(host, call.Output, call.Environment).FollowAsync(run, reattach, afterSequence, cancellation);
        if (exitCode == ExitCode.Interrupted) return exitCode;
        RunDetail ended = await host.Training.GetRunAsync(new GetRunRequest { Run = run }, cancellationToken: cancellation);
        call.Output.Result(ended, console => RunDetailText.WriteEnd(console, ended));
        string? command = call.Get(_notify) ?? call.Environment.Variable(EndHook.Variable);
        if (!string.IsNullOrEmpty(command)) await EndHook.RunAsync(command, ended.Summary, call.Output, cancellation);
        if (exitCode == ExitCode.Failed) throw new CliException(ExitCode.Failed, $"{ended.Summary.Name} failed: {ended.Summary.Reason}", $"See its log: {LemaRootCommand.ProgramName} run log {ended.Summary.Name}");
        return exitCode;
    }
}
