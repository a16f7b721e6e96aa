using System.CommandLine;
using Lema.Cli.Errors;
using Lema.Cli.Hosts;

namespace Lema.Cli.Commands.HostCommands;

/// <summary>Forgets a named daemon.</summary>
internal sealed class HostRemoveCommand : LemaCommand
{
    private readonly Argument<string> _name = new("NAME") { Description = "Name of a host." };

    public HostRemoveCommand() : base("remove", "Forget a host. The daemon and its runs stay as they are.", "lema-remote host remove gpu01") => Add(_name);

    protected override Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        HostsDocument document = call.Hosts.File.Read();
        HostEntry host = call.Hosts.Find(document, call.Get(_name));
        call.Hosts.File.Write(new HostsDocument
        {
            Current = document.Current == host.Name ? null : document.Current,
            Hosts = [.. document.Hosts.Where(h => h.Name != host.Name)],
        });
        call.Output.Note($"Removed {host.Name}.");
        return Task.FromResult(ExitCode.Done);
    }
}
