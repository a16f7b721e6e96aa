using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Lema.Engine.Devices;
using Lema.Engine.Errors;
using Lema.Engine.Models;
using Lema.Engine.Streaming;
using Lema.Engine.Streaming.Planning;
using Lema.Engine.Training;
using TorchSharp;

namespace Lema.Bench;

/// <summary>
/// A training step of a model that stays in memory, as a share of the matrix product's speed; with <c>--against SCRIPT</c> by turns with another
/// program's steps. <c>--weights BYTES</c> streams ours under that budget instead, and <c>--precision fp32</c> computes in float32.
/// </summary>
internal sealed class ResidentBenchmark : IBenchmark
{
    private const int Rounds = 5;
    private const int RoundsOfLongSteps = 2;
    private const int StepsOfPeer = 3;
    private const double LongStepSeconds = 25, SecondsOfRound = 2;
    private const int MostStepsOfRound = 20;

    public string Name => "resident";

    public BenchReport Run(BenchOptions options)
    {
        string name = options.Required("model"), folder = BenchModel.Prepared(BenchModel.Folder(name));
        long batch = options.Integer("batch") ?? 8, length = options.Integer("length") ?? 512;
        long? weights = options.Integer("weights");
        Precision precision = Enum.Parse<Precision>(options.Text("precision") ?? nameof(Precision.Bf16), ignoreCase: true);
        BenchPlan plan = BenchPlan.Make(folder, batch, length, options.Integer("rows") ?? batch, weights, null, precision);
        double gemm = FlightCheck.GemmFlopsPerSecond(torch.ScalarType.BFloat16);
        using BenchStep step = new(folder, batch, length, plan.Memory.MicroBatchRows, weights is null ? null : plan.Memory.WeightBytes, plan.Memory, weights is null ? DirectIo.Auto : DirectIo.On, precision);
        double warmUp = step.Run();
        gemm = Math.Max(gemm, FlightCheck.GemmFlopsPerSecond(torch.ScalarType.BFloat16));
        List<double> seconds = [], peers = [];
        for (int round = 0; round < (warmUp > LongStepSeconds ? RoundsOfLongSteps : Rounds); round++)
        {
            if (options.Text("against") is { } script) peers.Add(PeerTokensPerSecond(script, name, batch, length));
            // A step of a small model takes less than a hiccup of the machine: several count as one.
            seconds.Add(Statistics.Median([.. Enumerable.Range(0, Math.Clamp((int)(SecondsOfRound / warmUp), 1, MostStepsOfRound)).Select(_ => step.Run())]));
        }
        double median = Statistics.Median(seconds), rate = plan.Request.StepTokens / median;
        BenchReport report = new();
        report.Add("gemmFraction", plan.StepFlops / median / gemm);
        report.Add("tokensPerSecond", rate);
        report.Add("peakRssBytes", ProcessMemory.PeakRssBytes);
        report.Add("overPeer", peers.Count == 0 ? null : rate / Statistics.Median(peers));
        report.Add("peerTokensPerSecond", peers.ToArray());
        report.Add("secondsSpread", seconds.ToArray());
        report.Add("gemmFlopsPerSecond", gemm);
        report.Add("weightBytes", weights is null ? plan.ModelBytes : plan.Memory.WeightBytes);
        report.Add("microBatchRows", plan.Memory.MicroBatchRows);
        report.Add("keptLayers", plan.Memory.KeptLayers);
        return report;
    }

    /// <summary>Runs <c>SCRIPT SHAPE BATCH LENGTH STEPS</c>, with the same allocator settings as this process, and reads <c>tokens_per_second</c> from its output.</summary>
    private static double PeerTokensPerSecond(string script, string model, long batch, long length)
    {
        string[] arguments = [script, model, batch.ToString(CultureInfo.InvariantCulture), length.ToString(CultureInfo.InvariantCulture), StepsOfPeer.ToString(CultureInfo.InvariantCulture)];
        string program = script.EndsWith(".py", StringComparison.Ordinal) ? "/usr/bin/python3" : script;
        using Process process = Process.Start(new ProcessStartInfo(program, program == script ? arguments[1..] : arguments) { RedirectStandardOutput = true })
            ?? throw new StorageException(script, 0, "could not be started");
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        foreach (string line in output.Split('\n').Reverse())
        {
            if (!line.TrimStart().StartsWith('{')) continue;
            using JsonDocument document = JsonDocument.Parse(line);
            if (document.RootElement.TryGetProperty("tokens_per_second", out JsonElement value)) return value.GetDouble();
        }
        throw new StorageException(script, 0, $"printed no tokens_per_second and ended with {process.ExitCode}");
    }
}
