namespace Lema.Cli.Errors;

/// <summary>What the process ends with. Scripts rely on these numbers.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;
    public const int NotFound = 3;
    public const int Unreachable = 4;
    public const int NotAllowed = 5;
    public const int InvalidInput = 6;
    public const int OverBudget = 7;

    /// <summary>Ctrl-C; a run that was being followed goes on.</summary>
    public const int Interrupted = 130;
}
