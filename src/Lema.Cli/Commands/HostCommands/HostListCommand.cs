using Lema.Cli.Errors;
using Lema.Cli.Hosts;
using Lema.Cli.Rendering;

namespace Lema.Cli.Commands.HostCommands;

/// <summary>The named daemons.</summary>
internal sealed class HostListCommand : LemaCommand
{
    public HostListCommand() : base("list", "The named daemons; a star marks the current one.", "lema-remote host list")
    {
    }

    protected override Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        HostsDocument document = call.Hosts.File.Read();
        if (call.Output.Json)
        {
            HostsAnswer.Write(call.Output, document);
            return Task.FromResult(ExitCode.Done);
        }
        TextTable table = new(new(""), new("NAME"), new("ADDRESS", 1), new("TRUST", 2), new("TOKEN FILE", 3));
        foreach (HostEntry host in document.Hosts)
        {
            string trust = host.Fingerprint is not null ? "fingerprint" : host.Ca is not null ? "ca" : "";
            table.Add(host.Name == document.Current ? "*" : "", host.Name, host.Address, trust, host.TokenFile ?? "");
        }
        if (table.IsEmpty) call.Output.Note($"No host is named yet; commands go to {HostResolver.LocalAddress}. Add one: lema-remote host add NAME ADDRESS");
        else table.Write(call.Output.Text);
        return Task.FromResult(ExitCode.Done);
    }
}
