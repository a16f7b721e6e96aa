using System.CommandLine;
using Lema.Cli.Errors;
using Lema.Cli.Hosts;

namespace Lema.Cli.Commands.HostCommands;

/// <summary>Forgets a named daemon.</summary>
internal sealed class HostRemoveCommand : LemaCommand
{
    private readonly Argument<string> _name = new("HOST") { Description = "Name of a host." };

    public HostRemoveCommand() : base("remove", "Forget a host. The daemon and its runs stay as they are.", "lema-remote host remove gpu01") => Add(_name);

    protected override Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        HostsDocument document = call.Hosts.File.Read();
        HostEntry host = call.Hosts.Find(document, call.Get(_name));
        HostsDocument after = new()
        {
            Current = document.Current == host.Name ? null : document.Current,
            Hosts = [.. document.Hosts.Where(h => h.Name != host.Name)],
        };
        call.Hosts.File.Write(after);
        if (call.Output.Json) HostsAnswer.Write(call.Output, after);
        call.Output.Note($"Removed {host.Name}.");
        return Task.FromResult(ExitCode.Done);
    }
}
