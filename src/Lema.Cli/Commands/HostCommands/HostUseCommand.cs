using System.CommandLine;
using Lema.Cli.Errors;
using Lema.Cli.Hosts;

namespace Lema.Cli.Commands.HostCommands;

/// <summary>Chooses the current host.</summary>
internal sealed class HostUseCommand : LemaCommand
{
    private readonly Argument<string> _name = new("HOST") { Description = "Name of a host." };

    public HostUseCommand() : base("use", "Make a host the current one.", "lema-remote host use gpu01") => Add(_name);

    protected override Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        HostsDocument document = call.Hosts.File.Read();
        HostEntry host = call.Hosts.Find(document, call.Get(_name));
        HostsDocument after = document with { Current = host.Name };
        call.Hosts.File.Write(after);
        if (call.Output.Json) HostsAnswer.Write(call.Output, after);
        call.Output.Note($"Commands go to {host.Name} ({host.Address}) now.");
        return Task.FromResult(ExitCode.Done);
    }
}
