using Lema.Cli.Errors;
using Lema.Cli.Help;

namespace Lema.Cli.Commands;

/// <summary>Prints docs/cli.md.</summary>
internal sealed class ReferenceCommand : LemaCommand
{
    public ReferenceCommand() : base("reference", "Print the reference of all commands as Markdown.", "lema-remote reference > docs/cli.md") => Hidden = true;

    protected override Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        call.Output.Print(CommandReference.Write(new LemaRootCommand(call.Environment)));
        return Task.FromResult(ExitCode.Done);
    }
}
