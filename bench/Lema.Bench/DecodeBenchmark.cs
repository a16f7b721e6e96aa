using System.Diagnostics;
using Lema.Bench.Peers;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Devices;
using Lema.Engine.Errors;
using Lema.Engine.Generation;
using Lema.Engine.Models;
using Lema.Engine.Training;

namespace Lema.Bench;

/// <summary>
/// One reply at a time from a resident bf16 model, against the speed at which memory can be read: each token needs every weight once. Each reply is timed beside that yardstick,
/// which may double from one second to the next where other machines share the memory. With <c>--against llama</c> by turns with llama.cpp (through LLamaSharp) on the same weights.
/// </summary>
internal sealed class DecodeBenchmark : IBenchmark
{
    private const int Runs = 5;

    /// <summary>What a model with a tokenizer continues, over and over where the prompt is longer: after numbers alone it falls into a rhythm of two tokens, which any computation would find.</summary>
    private const string Text = "The lighthouse keeper had written in the same book every evening for thirty years, but on the night of the great storm he wrote only one sentence, and the sailors who found it say that ";

    public string Name => "decode";

    public BenchReport Run(BenchOptions options)
    {
        string folder = BenchModel.Folder(options.Required("model"));
        int promptTokens = (int)(options.Integer("prompt") ?? 32), newTokens = (int)(options.Integer("tokens") ?? 128);
        using LanguageModel model = LanguageModel.Open(folder, new ModelOptions { Precision = Precision.Bf16 });
        long tokenBytes = model.Units.Units.Sum(unit => unit.ByteCount);
        GenerationRequest request = new() { Prompt = Prompt(folder, promptTokens), MaxNewTokens = newTokens };
        Generator generator = new(model);
        _ = Measure(generator, request);
        using LlamaPeer? peer = StartPeer(options, folder, request);
        List<Reply> runs = [];
        List<double> memory = [];
        List<LlamaReply> peerRuns = [];
        for (int run = 0; run < Runs; run++)
        {
            if (peer is not null) peerRuns.Add(peer.Decode());
            runs.Add(Measure(generator, request));
            memory.Add(FlightCheck.MemoryBytesPerSecond());
        }
        double perToken = Statistics.Median(runs.Select(run => run.SecondsPerToken));
        double[] fractions = [.. runs.Zip(memory, (run, speed) => tokenBytes / run.SecondsPerToken / speed)];

        BenchReport report = new();
        report.Add("tokensPerSecond", 1 / perToken);
        report.Add("bandwidthFraction", Statistics.Median(fractions));
        report.Add("timeToFirstTokenSeconds", Statistics.Median(runs.Select(run => run.FirstSeconds)));
        report.Add("weightBytesPerToken", tokenBytes);
        report.Add("memoryBytesPerSecond", Statistics.Median(memory));
        report.Add("bandwidthFractionOfRuns", fractions);
        report.Add("tokensPerSecondOfRuns", runs.Select(run => 1 / run.SecondsPerToken).ToArray());
        if (peer is not null) AddPeer(report, peer.Greeting, runs, peerRuns);
        return report;
    }

    private static int[] Prompt(string folder, int count)
    {
        if (!File.Exists(Path.Combine(folder, "tokenizer.json"))) return [.. Enumerable.Range(1, count)];
        IReadOnlyList<int> tokens = Tokenizer.Load(folder).Encode(Text, false);
        return [.. Enumerable.Range(0, count).Select(i => tokens[i % tokens.Count])];
    }

    private static LlamaPeer? StartPeer(BenchOptions options, string folder, GenerationRequest request) => options.Text("against") switch
    {
        null when !options.Has("against") => null,
        "llama" => new LlamaPeer(BenchModel.Gguf(folder), request.Prompt, request.MaxNewTokens),
        _ => throw new InvalidInputException("bench/run decode", "--against", "the one peer is called llama"),
    };

    private static void AddPeer(BenchReport report, LlamaGreeting greeting, List<Reply> ours, List<LlamaReply> theirs)
    {
        double perToken = Statistics.Median(theirs.Select(run => run.SecondsPerToken));
        report.Add("overPeer", perToken / Statistics.Median(ours.Select(run => run.SecondsPerToken)));
        report.Add("peerTokensPerSecond", 1 / perToken);
        report.Add("peerTimeToFirstTokenSeconds", Statistics.Median(theirs.Select(run => run.FirstSeconds)));
        report.Add("peerTokensPerSecondOfRuns", theirs.Select(run => 1 / run.SecondsPerToken).ToArray());
        report.Add("peerLibrary", greeting.Library);
        report.Add("peerSettings", greeting.Settings);
        // From the first on: after a difference in rounding has tipped one choice, the two tell different stories. Distinct ones say how much the equality says.
        int[] same = [.. ours[^1].Tokens.Zip(theirs[^1].Tokens).TakeWhile(pair => pair.First == pair.Second).Select(pair => pair.First)];
        report.Add("sameTokens", (long)same.Length);
        report.Add("sameDistinctTokens", (long)same.Distinct().Count());
    }

    private static Reply Measure(Generator generator, GenerationRequest request)
    {
        long start = Stopwatch.GetTimestamp();
        double first = 0;
        IReadOnlyList<GeneratedReply> replies = generator.Generate([request], onDelta: delta =>
        {
            if (delta.Tokens == 1) first = Stopwatch.GetElapsedTime(start).TotalSeconds;
        });
        return new(first, (Stopwatch.GetElapsedTime(start).TotalSeconds - first) / (request.MaxNewTokens - 1), replies[0].Tokens);
    }

    /// <param name="FirstSeconds">From the prompt to the first token.</param>
    /// <param name="SecondsPerToken">Of each further token.</param>
    private sealed record Reply(double FirstSeconds, double SecondsPerToken, IReadOnlyList<int> Tokens);
}
