using System.Diagnostics;
using Lema.Engine.Devices;
using Lema.Engine.Generation;
using Lema.Engine.Models;
using Lema.Engine.Training;

namespace Lema.Bench;

/// <summary>One reply at a time from a resident bf16 model, against the speed at which memory can be read: each token needs every weight once.</summary>
internal sealed class DecodeBenchmark : IBenchmark
{
    private const int Runs = 5;

    public string Name => "decode";

    public BenchReport Run(BenchOptions options)
    {
        string folder = BenchModel.Folder(options.Required("model"));
        int promptTokens = (int)(options.Integer("prompt") ?? 32), newTokens = (int)(options.Integer("tokens") ?? 128);
        using LanguageModel model = LanguageModel.Open(folder, new ModelOptions { Precision = Precision.Bf16 });
        long tokenBytes = model.Units.Units.Sum(unit => unit.ByteCount);
        GenerationRequest request = new() { Prompt = [.. Enumerable.Range(1, promptTokens)], MaxNewTokens = newTokens };
        Generator generator = new(model);
        _ = Measure(generator, request);
        (double First, double PerToken)[] runs = [.. Enumerable.Range(0, Runs).Select(_ => Measure(generator, request))];
        double perToken = Median(runs.Select(run => run.PerToken)), memory = FlightCheck.MemoryBytesPerSecond();

        BenchReport report = new();
        report.Add("tokensPerSecond", 1 / perToken);
        report.Add("bandwidthFraction", tokenBytes / perToken / memory);
        report.Add("timeToFirstTokenSeconds", Median(runs.Select(run => run.First)));
        report.Add("weightBytesPerToken", tokenBytes);
        report.Add("memoryBytesPerSecond", memory);
        report.Add("tokensPerSecondOfRuns", runs.Select(run => 1 / run.PerToken).ToArray());
        return report;
    }

    private static (double First, double PerToken) Measure(Generator generator, GenerationRequest request)
    {
        long start = Stopwatch.GetTimestamp();
        double first = 0;
        generator.Generate([request], onDelta: delta =>
        {
            if (delta.Tokens == 1) first = Stopwatch.GetElapsedTime(start).TotalSeconds;
        });
        return (first, (Stopwatch.GetElapsedTime(start).TotalSeconds - first) / (request.MaxNewTokens - 1));
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
