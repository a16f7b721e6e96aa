using System.CommandLine;
using Lema.Cli.Hosts;

namespace Lema.Cli.Commands;

/// <summary>The options that every command has.</summary>
internal sealed class GlobalOptions
{
    public const string Text = "text";
    public const string Json = "json";

    public Option<string?> Host { get; } = new("--host")
    {
        Description = $"Name of a host or an address. [{HostResolver.HostVariable}, else the current host, else {HostResolver.LocalAddress}]",
        HelpName = "NAME|ADDRESS",
        Recursive = true,
    };

    public Option<string?> TokenFile { get; } = new("--token-file")
    {
        Description = $"File with the daemon's token. [the host's own, else {HostResolver.TokenFileVariable}]",
        HelpName = "FILE",
        Recursive = true,
    };

    public Option<string> Format { get; } = new("--format")
    {
        Description = "json: standard output carries nothing but protobuf JSON, one object a line for streams.",
        HelpName = $"{Text}|{Json}",
        DefaultValueFactory = _ => Text,
        Recursive = true,
    };

    public Option<bool> NoColor { get; } = new("--no-color") { Description = "No colours. [set when NO_COLOR is]", Recursive = true };

    public Option<bool> Quiet { get; } = new("--quiet", "-q") { Description = "Results and errors only.", Recursive = true };

    public Option<bool> Yes { get; } = new("--yes", "-y") { Description = "Do not ask before something is deleted.", Recursive = true };

    public GlobalOptions() => Format.AcceptOnlyFromAmong(Text, Json);

    public void AddTo(Command root)
    {
        foreach (Option option in new Option[] { Host, TokenFile, Format, NoColor, Quiet, Yes }) root.Add(option);
    }
}
