using System.Diagnostics;
using System.Globalization;
using Lema.Engine.Devices;
using Lema.Engine.Errors;
using Lema.Engine.Streaming;

namespace Lema.Bench;

/// <summary>
/// Memory of a training step against its length: one row of T tokens, each length in a process of its own. What a step adds to the process should grow with T and not with
/// its square, since attention is computed in chunks.
/// </summary>
internal sealed class ContextBenchmark : IBenchmark
{
    private const string OneLength = "one-length";

    public string Name => "context";

    public BenchReport Run(BenchOptions options)
    {
        string folder = BenchModel.Folder(options.Required("model"));
        BenchReport report = new();
        if (options.Integer(OneLength) is { } only)
        {
            report.Add("stepBytes", StepBytes(folder, only));
            return report;
        }
        long first = options.Integer("from") ?? 1024, last = options.Integer("to") ?? 4096;
        long before = InItsOwnProcess(options.Required("model"), first), after = InItsOwnProcess(options.Required("model"), last);
        report.Add("lengths", string.Create(CultureInfo.InvariantCulture, $"{first} {last}"));
        report.Add("stepBytesShort", before);
        report.Add("stepBytesLong", after);
        report.Add("bytesRatio", (double)after / before);
        report.Add("lengthRatio", (double)last / first);
        return report;
    }

    /// <summary>Peak resident size during the step beyond what the open model takes.</summary>
    private static long StepBytes(string folder, long length)
    {
        using BenchStep step = new(folder, 1, length, 1, null, null, DirectIo.Off);
        using (BenchStep warm = new(folder, 1, 32, 1, null, null, DirectIo.Off)) warm.Run();
        long idle = ProcessMemory.RssBytes;
        step.Run();
        return ProcessMemory.PeakRssBytes - idle;
    }

    private static long InItsOwnProcess(string model, long length)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!, [Environment.GetCommandLineArgs()[0], "context", "--model", model, "--" + OneLength, length.ToString(CultureInfo.InvariantCulture), "--json"])
        {
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidInputException("bench/run context", model, $"the step of {length} tokens ended with code {process.ExitCode}");
        using System.Text.Json.JsonDocument figures = System.Text.Json.JsonDocument.Parse(output);
        return figures.RootElement.GetProperty("stepBytes").GetInt64();
    }
}
