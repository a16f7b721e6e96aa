using System.CommandLine;

namespace Lema.Cli.Commands;

/// <summary>A command that does something; a class a command.</summary>
internal abstract class LemaCommand : Command
{
    /// <param name="examples">Whole command lines, shown by <c>--help</c> and in the reference.</param>
    protected LemaCommand(string name, string description, params string[] examples) : base(name, description)
    {
        Examples = examples;
        SetAction((parsed, cancellation) =>
        {
            LemaRootCommand root = (LemaRootCommand)parsed.RootCommandResult.Command;
            return ExecuteAsync(new Invocation(parsed, root.Environment, root.Globals), cancellation);
        });
    }

    public IReadOnlyList<string> Examples { get; }

    /// <summary>Runs the command and returns an exit code.</summary>
    /// <param name="cancellation">Cancelled by the first Ctrl-C.</param>
    protected abstract Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation);
}
