namespace Lema.Server.Workers;

/// <summary>A worker process that ended in the middle of its job.</summary>
internal sealed class WorkerDiedException(int exitCode, Exception? inner = null) : Exception(Describe(exitCode), inner)
{
    private const int KilledBySignal = 128;

    public int ExitCode { get; } = exitCode;

    private static string Describe(int exitCode) => exitCode switch
    {
        KilledBySignal + 9 => "The engine worker was killed (signal 9). When nobody did that, the system ran out of memory: lower memory.totalBytes.",
        > KilledBySignal => $"The engine worker crashed (signal {exitCode - KilledBySignal}).",
        _ => $"The engine worker ended with exit code {exitCode}.",
    };
}
