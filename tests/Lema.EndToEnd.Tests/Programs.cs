using System.Diagnostics;

namespace Lema.EndToEnd.Tests;

/// <summary>Runs programs as a user would: with a home folder of their own and nothing of this process's environment that matters to Lema.</summary>
internal static class Programs
{
    /// <summary>Longer than any command of these tests takes on a loaded machine.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public static async Task<Finished> RunAsync(string program, string home, IReadOnlyDictionary<string, string> variables, params IEnumerable<string> arguments)
    {
        using Process process = Start(program, home, variables, arguments);
        process.StandardInput.Close();
        return await EndAsync(process);
    }

    public static Process Start(string program, string home, IReadOnlyDictionary<string, string> variables, params IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, WorkingDirectory = home };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        foreach (string name in start.Environment.Keys.Where(n => n.StartsWith("LEMA_", StringComparison.Ordinal) || n is "XDG_CONFIG_HOME" or "XDG_CACHE_HOME" or "COLUMNS" or "NO_COLOR").ToArray()) start.Environment.Remove(name);
        start.Environment["HOME"] = home;
        foreach ((string name, string value) in variables) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Waits for the end; a program that does not end in time is killed and fails the test.</summary>
    public static async Task<Finished> EndAsync(Process process)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        using CancellationTokenSource limit = new(Patience);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{process.StartInfo.FileName} {string.Join(' ', process.StartInfo.ArgumentList)} did not end within {Patience}.\n{await output}\n{await error}");
        }
        return new Finished(process.ExitCode, await output, await error);
    }
}
