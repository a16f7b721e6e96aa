using Lema.Bench;
using Lema.Bench.Peers;
using Lema.Bench.Watchers;
using Lema.Engine.Errors;

IBenchmark[] benchmarks = [new StreamingBenchmark(), new ResidentBenchmark(), new LoadBenchmark(), new TokenizerBenchmark(), new DatasetBenchmark(), new ContextBenchmark(), new DecodeBenchmark(), new CliBenchmark(), new WatchersBenchmark()];
// The other half of `watchers`, which starts it.
if (args is [WatcherProcess.Command, .. string[] clients]) return await WatcherClients.RunAsync(clients);
// The other half of `decode --against llama`.
if (args is [LlamaChild.Command, .. string[] decoding]) return LlamaChild.Run(decoding);
if (args.Length == 0 || benchmarks.FirstOrDefault(benchmark => benchmark.Name == args[0]) is not { } chosen)
{
    Console.Error.WriteLine($"usage: bench/run {string.Join('|', benchmarks.Select(benchmark => benchmark.Name))} [options] [--json]");
    return 2;
}
try
{
    BenchOptions options = new(args[1..]);
    BenchReport report = chosen.Run(options);
    Console.WriteLine(options.Has("json") ? report.ToJson() : report.ToTable());
    return 0;
}
catch (LemaException error)
{
    Console.Error.WriteLine(error.Message);
    return 1;
}
