namespace Lema.Cli.Errors;

/// <summary>A failure that ends the command with an exit code of its own.</summary>
/// <param name="exitCode">One of <see cref="ExitCode"/>.</param>
/// <param name="problem">What is wrong, and where.</param>
/// <param name="remedies">What the user can do about it, one sentence each.</param>
internal sealed class CliException(int exitCode, string problem, params string[] remedies) : Exception(problem)
{
    public int ExitCode { get; } = exitCode;

    public IReadOnlyList<string> Remedies { get; } = remedies;
}
