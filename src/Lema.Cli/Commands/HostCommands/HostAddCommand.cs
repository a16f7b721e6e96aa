using System.CommandLine;
using Lema.Cli.Errors;
using Lema.Cli.Hosts;
using Lema.Protocol.Client;

namespace Lema.Cli.Commands.HostCommands;

/// <summary>Names a daemon.</summary>
internal sealed class HostAddCommand : LemaCommand
{
    private readonly Argument<string> _name = new("NAME") { Description = "Letters, digits, '.', '-' and '_'." };
    private readonly Argument<string> _address = new("ADDRESS") { Description = "https://gpu01:5090, http://127.0.0.1:5090 or ssh://user@gpu01." };
    private readonly Option<string?> _ca = new("--ca") { Description = "PEM file of the authority that signed the daemon's certificate.", HelpName = "FILE" };
    private readonly Option<string?> _fingerprint = new("--fingerprint") { Description = "SHA-256 of the daemon's certificate: it is trusted, and no other.", HelpName = "SHA256" };
    private readonly Option<bool> _use = new("--use") { Description = "Make it the current host." };

    public HostAddCommand() : base(
        "add", "Name a daemon. A host of that name is replaced.",
        "lema-remote host add gpu01 https://gpu01:5090 --token-file ~/gpu01.token --fingerprint 9f86d0...",
        "lema-remote host add lab ssh://ada@gpu02 --token-file ~/gpu02.token --use")
    {
        Add(_name);
        Add(_address);
        Add(_ca);
        Add(_fingerprint);
        Add(_use);
        Validators.Add(result =>
        {
            if (result.GetValue(_ca) is not null && result.GetValue(_fingerprint) is not null) result.AddError("--ca and --fingerprint exclude each other.");
        });
    }

    protected override Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        string name = call.Get(_name);
        if (name.Length == 0 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
        {
            throw new CliException(ExitCode.WrongUsage, $"'{name}' cannot be a host's name.", "Use letters, digits, '.', '-' and '_'.");
        }
        HostEntry entry = new()
        {
            Name = name,
            Address = HostResolver.Normalize(call.Get(_address)),
            TokenFile = call.TokenFile is { } file ? call.Environment.FullPath(file) : null,
            Ca = call.Get(_ca) is { } ca ? call.Environment.FullPath(ca) : null,
            Fingerprint = call.Get(_fingerprint) is { } fingerprint ? Checked(fingerprint) : null,
        };
        HostsDocument before = call.Hosts.File.Read();
        bool use = call.Get(_use) || before.Current is null;
        HostsDocument after = new()
        {
            Current = use ? name : before.Current,
            Hosts = [.. before.Hosts.Where(h => h.Name != name), entry],
        };
        call.Hosts.File.Write(after);
        if (call.Output.Json) HostsAnswer.Write(call.Output, after);
        call.Output.Note(use ? $"Added {name}; it is the current host." : $"Added {name}.");
        call.Output.Note($"Try it: lema-remote host check {name}");
        return Task.FromResult(ExitCode.Done);
    }

    /// <summary>The fingerprint as it was given; what is none would be found out only at the first call.</summary>
    private static string Checked(string fingerprint)
    {
        try
        {
            ServerCertificateCheck.ParseFingerprint(fingerprint);
            return fingerprint;
        }
        catch (DaemonOptionsException invalid)
        {
            throw new CliException(ExitCode.WrongUsage, invalid.Message, "lema-server prints it at its start; 'lema-remote host check ADDRESS' shows what the daemon presents.");
        }
    }
}
