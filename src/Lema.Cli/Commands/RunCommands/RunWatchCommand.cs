using System.CommandLine;
using Lema.Cli.Connections;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>Follows a run that was started before.</summary>
internal sealed class RunWatchCommand : LemaCommand
{
    private readonly Argument<string> _run = RunArgument.Create();
    private readonly Option<ulong?> _from = new("--from") { Description = "Go on after this event's number, without a snapshot.", HelpName = "SEQUENCE" };
    private readonly FollowOptions _follow = new();

    public RunWatchCommand() : base(
        "watch", "Follow a run to its end, without gap or repetition over lost connections. Ctrl-C leaves, and the run goes on; Ctrl-C twice stops it.",
        "lema-remote run watch first",
        "lema-remote run watch first --format json --from 120")
    {
        Add(_run);
        Add(_from);
        _follow.AddTo(this);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        string run = call.Get(_run);
        await using HostConnection host = await call.ConnectAsync(cancellation);
        return await _follow.FollowAsync(call, host, run, ReattachCommand.Of(call, run), call.Get(_from), cancellation);
    }
}
