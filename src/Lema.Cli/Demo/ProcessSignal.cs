using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Lema.Cli.Demo;

/// <summary>Asks a process to end.</summary>
internal static partial class ProcessSignal
{
    private const int SigTerm = 15;

    /// <summary>SIGTERM where there is one; elsewhere the process is killed.</summary>
    public static void Terminate(Process process)
    {
        try
        {
            if (process.HasExited) return;
            if (OperatingSystem.IsWindows()) process.Kill(entireProcessTree: true);
            else _ = Kill(process.Id, SigTerm);
        }
        catch (InvalidOperationException)
        {
            // It ended by itself in between.
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
