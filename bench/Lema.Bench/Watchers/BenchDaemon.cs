using System.Diagnostics;
using Lema.Engine.Errors;

namespace Lema.Bench.Watchers;

/// <summary>A published lema-server with a data folder of its own; both go with it.</summary>
internal sealed class BenchDaemon : IDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly string _program;
    private readonly Process _process;

    private BenchDaemon(DirectoryInfo folder, string program, Process process, Uri address) => (_folder, _program, _process, Address) = (folder, program, process, address);

    public Uri Address { get; }

    /// <summary>Seconds that the daemon itself has computed, without its workers.</summary>
    public double ProcessorSeconds
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime.TotalSeconds;
        }
    }

    public string TokenFile => Path.Combine(Data(_folder), "admin.token");

    public static BenchDaemon Start(string modelRoot)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("lema-bench-watchers-");
        string output = Path.Combine(folder.FullName, "server");
        Run("dotnet", "publish", Path.Combine(Repository.Folder(), "src", "Lema.Server"), "-c", "Release", "-v", "q", "--nologo", "-o", output);
        string program = Path.Combine(output, "lema-server");
        Process process = Launch(program, "--data", Data(folder), "--urls", "http://127.0.0.1:0", "--model-root", modelRoot);
        const string listening = "Listening on ";
        while (process.StandardOutput.ReadLine() is { } line)
        {
            if (!line.StartsWith(listening, StringComparison.Ordinal)) continue;
            _ = process.StandardOutput.ReadToEndAsync();
            return new BenchDaemon(folder, program, process, new Uri(line[listening.Length..].Trim()));
        }
        throw new InvalidInputException("bench/run", "lema-server", "does not start");
    }

    /// <summary>A viewer's token.</summary>
    public string AddToken(string name) => Run(_program, "token", "add", name, "--data", Data(_folder)).Trim();

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private static string Data(DirectoryInfo folder) => Path.Combine(folder.FullName, "data");

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Launch(program, arguments);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidInputException("bench/run", program, $"ended with exit code {process.ExitCode}: {output}");
    }

    private static Process Launch(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        // bench/run's settings are for its own process: a daemon chooses them for its workers.
        start.Environment.Remove("GLIBC_TUNABLES");
        return Process.Start(start)!;
    }
}
