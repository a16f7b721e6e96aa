namespace Lema.Cli.RunFiles;

/// <summary>A run file that cannot be used, with everything that is wrong with it.</summary>
internal sealed class RunFileException(IReadOnlyList<RunFileProblem> problems) : Exception(string.Join('\n', problems))
{
    public IReadOnlyList<RunFileProblem> Problems { get; } = problems;
}
