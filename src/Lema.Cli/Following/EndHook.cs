using System.Diagnostics;
using System.Globalization;
using Lema.Cli.Rendering;
using Lema.Protocol.V1;

namespace Lema.Cli.Following;

/// <summary>A command of the user's that is run when a run ends, such as a desktop notification.</summary>
internal static class EndHook
{
    public const string Variable = "LEMA_NOTIFY";

    /// <summary>Runs the command with <c>sh -c</c>; LEMA_RUN, LEMA_RUN_STATE, LEMA_RUN_STEP, LEMA_RUN_LOSS and LEMA_RUN_REASON tell it what happened.</summary>
    /// <remarks>A command that fails is told to the user and changes nothing else.</remarks>
    public static async Task RunAsync(string command, RunSummary run, Output output, CancellationToken cancellation)
    {
        ProcessStartInfo start = OperatingSystem.IsWindows() ? new("cmd.exe", ["/c", command]) : new("/bin/sh", ["-c", command]);
        start.RedirectStandardOutput = true;
        start.Environment["LEMA_RUN"] = run.Name;
        start.Environment["LEMA_RUN_STATE"] = RunText.State(run.State);
        start.Environment["LEMA_RUN_STEP"] = run.Step.ToString(CultureInfo.InvariantCulture);
        start.Environment["LEMA_RUN_LOSS"] = run.HasLastLoss ? run.LastLoss.ToString("R", CultureInfo.InvariantCulture) : "";
        start.Environment["LEMA_RUN_REASON"] = run.Reason;
        using Process process = Process.Start(start)!;
        string said = await process.StandardOutput.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        if (said.Trim().Length > 0) output.Note(said.Trim());
        if (process.ExitCode != 0) output.Warn($"The notification command ended with exit code {process.ExitCode}.");
    }
}
