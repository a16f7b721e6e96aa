using System.Diagnostics;
using System.Text.Json;
using Lema.Engine.Errors;

namespace Lema.Bench;

/// <summary>
/// Cold start: the whole life of the published <c>lema-remote run list</c>, process start to exit, against a running daemon. The floor is the same measure of
/// <c>lema-remote --version</c>, which makes no call. <c>--count N</c> (default 21).
/// </summary>
internal sealed class CliBenchmark : IBenchmark
{
    private const int WarmUp = 3;

    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(2);

    public string Name => "cli";

    public BenchReport Run(BenchOptions options)
    {
        int count = (int)(options.Integer("count") ?? 21);
        string repository = Repository.Folder();
        DirectoryInfo folder = Directory.CreateTempSubdirectory("lema-bench-cli-");
        try
        {
            string cli = Publish(repository, "Lema.Cli", Path.Combine(folder.FullName, "cli"), "lema-remote");
            string server = Publish(repository, "Lema.Server", Path.Combine(folder.FullName, "server"), "lema-server");
            string data = Path.Combine(folder.FullName, "data");
            using Process daemon = Start(server, folder.FullName, "--data", data, "--urls", "http://127.0.0.1:0");
            try
            {
                string address = ListeningAddress(daemon);
                string[] list = ["run", "list", "--host", address, "--token-file", Path.Combine(data, "admin.token")];
                BenchReport report = new();
                double[] listed = Measure(cli, folder.FullName, count, list);
                double[] floor = Measure(cli, folder.FullName, count, "--version");
                report.Add("coldStartMilliseconds", Statistics.Median(listed));
                report.Add("fastestMilliseconds", listed.Min());
                report.Add("slowestMilliseconds", listed.Max());
                report.Add("versionMilliseconds", Statistics.Median(floor));
                report.Add("coldStartOverVersion", Statistics.Median(listed) / Statistics.Median(floor));
                report.Add("runs", (long)count);
                return report;
            }
            finally
            {
                daemon.Kill(entireProcessTree: true);
                daemon.WaitForExit();
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static double[] Measure(string program, string home, int count, params string[] arguments) =>
        [.. Enumerable.Range(0, WarmUp + count).Select(_ => Milliseconds(program, home, arguments)).Skip(WarmUp)];

    private static double Milliseconds(string program, string home, string[] arguments)
    {
        Stopwatch clock = Stopwatch.StartNew();
        using Process process = Start(program, home, arguments);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? clock.Elapsed.TotalMilliseconds : throw new InvalidInputException("bench/run", program, $"ended with exit code {process.ExitCode}: {output}");
    }

    private static string Publish(string repository, string project, string output, string program)
    {
        using Process publish = Start("dotnet", repository, "publish", Path.Combine(repository, "src", project), "-c", "Release", "-v", "q", "--nologo", "-o", output);
        string said = publish.StandardOutput.ReadToEnd();
        publish.WaitForExit();
        return publish.ExitCode == 0 ? Path.Combine(output, program) : throw new InvalidInputException("bench/run", project, $"cannot be published: {said}");
    }

    private static string ListeningAddress(Process daemon)
    {
        Task<string?> line = Task.Run(() =>
        {
            const string Listening = "Listening on ";
            while (daemon.StandardOutput.ReadLine() is { } said)
            {
                if (said.StartsWith(Listening, StringComparison.Ordinal)) return said[Listening.Length..].Trim();
            }
            return null;
        });
        string? address = line.Wait(StartPatience) ? line.Result : null;
        _ = daemon.StandardOutput.ReadToEndAsync();
        return address ?? throw new InvalidInputException("bench/run", "lema-server", "does not start");
    }

    private static Process Start(string program, string home, params string[] arguments)
    {
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true, WorkingDirectory = home };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        if (program != "dotnet") start.Environment["HOME"] = home;
        return Process.Start(start)!;
    }
}
