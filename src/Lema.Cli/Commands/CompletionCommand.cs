using System.CommandLine;
using Lema.Cli.Errors;
using Lema.Cli.Help;

namespace Lema.Cli.Commands;

/// <summary>Prints a shell's completion script.</summary>
internal sealed class CompletionCommand : LemaCommand
{
    private readonly Argument<string> _shell = new("SHELL") { Description = "bash, zsh, fish or pwsh." };

    public CompletionCommand() : base(
        "completion", "Print the completion script of a shell.",
        "source <(lema-remote completion bash)",
        "lema-remote completion fish > ~/.config/fish/completions/lema-remote.fish")
    {
        _shell.AcceptOnlyFromAmong([.. CompletionScript.Shells]);
        Add(_shell);
    }

    protected override Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        call.Output.Print(CompletionScript.For(call.Get(_shell)));
        return Task.FromResult(ExitCode.Done);
    }
}
