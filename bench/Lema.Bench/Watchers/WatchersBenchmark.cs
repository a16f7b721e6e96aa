using System.Diagnostics;
using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Lema.Engine.Weights;
using Lema.Protocol.Client;
using Lema.Protocol.V1;

namespace Lema.Bench.Watchers;

/// <summary>
/// What watchers cost a run: step times with <c>--count N</c> watchers (default 1000, of 32 principals, in a process of their own at nice 19) against none, by turns within one run
/// of smollm2-135m, 8 x 256, bf16; how much of the processors' time the daemon takes in either, which tells more where step times vary; how late messages are; and whether any event was missed or came twice. <c>--pairs N</c> (default 5) windows of each kind of
/// <c>--window N</c> (default 4) steps.
/// </summary>
internal sealed class WatchersBenchmark : IBenchmark
{
    private const int Principals = 32, Batch = 8, Length = 256, Vocabulary = 49_152, WarmUp = 3;

    public string Name => "watchers";

    public BenchReport Run(BenchOptions options) =>
        RunAsync((int)(options.Integer("count") ?? 1_000), (int)(options.Integer("pairs") ?? 5), (int)(options.Integer("window") ?? 4)).GetAwaiter().GetResult();

    private static async Task<BenchReport> RunAsync(int count, int pairs, int window)
    {
        string model = BenchModel.Folder("smollm2-135m");
        using BenchDaemon daemon = BenchDaemon.Start(Path.GetDirectoryName(model)!);
        string[] tokens = [.. Enumerable.Range(0, Principals).Select(i => daemon.AddToken($"watcher-{i}"))];
        using var channel = DaemonChannel.Create(new DaemonOptions { Address = daemon.Address, TokenFile = daemon.TokenFile });
        Training.TrainingClient training = new(channel);
        string run = await StartRunAsync(channel, model, steps: WarmUp + pairs * 2 * (window + 2) + 200);

        using CancellationTokenSource stop = new();
        StepWatch steps = new();
        Task following = steps.FollowAsync(training, run, stop.Token);
        await using WatcherProcess watchers = WatcherProcess.Start(daemon.Address, run, count, tokens);
        await steps.UntilAsync(WarmUp);
        List<double> without = [], with = [], daemonWithout = [], daemonWith = [];
        async Task MeasureAsync(List<double> seconds, List<double> daemonShares)
        {
            double before = daemon.ProcessorSeconds;
            long start = Stopwatch.GetTimestamp();
            seconds.Add(await steps.MedianOfNextAsync(window));
            daemonShares.Add((daemon.ProcessorSeconds - before) / Stopwatch.GetElapsedTime(start).TotalSeconds / Environment.ProcessorCount);
        }

        for (int pair = 0; pair < pairs; pair++)
        {
            await MeasureAsync(without, daemonWithout);
            await watchers.ConnectAsync();
            await MeasureAsync(with, daemonWith);
            await watchers.DisconnectAsync();
        }
        await training.StopRunAsync(new StopRunRequest { Run = run, Discard = true });
        await following;
        WatcherFigures figures = await watchers.FinishAsync();

        BenchReport report = new();
        double[] ratios = [.. with.Zip(without, (busy, free) => busy / free)];
        report.Add("stepTimeRatio", Statistics.Median(ratios));
        report.Add("stepTimeRatioStandardError", ratios.Length < 2 ? null : Statistics.StandardError(ratios));
        report.Add("p99EventMilliseconds", figures.P99Milliseconds);
        report.Add("gaps", figures.Gaps);
        report.Add("duplicates", figures.Duplicates);
        report.Add("watchers", (long)count);
        report.Add("stepSecondsWithout", without.ToArray());
        report.Add("stepSecondsWith", with.ToArray());
        report.Add("stepsWithWatchers", (long)pairs * window);
        report.Add("medianEventMilliseconds", figures.MedianMilliseconds);
        report.Add("slowestEventMilliseconds", figures.SlowestMilliseconds);
        report.Add("messages", figures.Messages);
        report.Add("daemonShareOfProcessorsWithout", Statistics.Median(daemonWithout));
        report.Add("daemonShareOfProcessorsWith", Statistics.Median(daemonWith));
        report.Add("clientCpuSeconds", figures.CpuSeconds);
        return report;
    }

    private static async Task<string> StartRunAsync(ChannelBase channel, string model, int steps)
    {
        await new Models.ModelsClient(channel).AddModelAsync(new AddModelRequest { Name = "bench", Folder = model });
        await UploadAsync(new Datasets.DatasetsClient(channel), RandomTokens(steps));
        RunDetail run = await new Training.TrainingClient(channel).StartRunAsync(new StartRunRequest
        {
            Model = "bench", Dataset = "tokens", Name = "watched",
            Settings = new RunSettings { Steps = steps, MicroBatchSize = Batch, MaxLength = Length, Precision = RunSettings.Types.Precision.Bf16, Lora = new LoraSettings { R = 8 } },
        });
        return run.Summary.Id;
    }

    /// <summary>A pre-tokenized dataset of random tokens, [steps, batch, length].</summary>
    private static byte[] RandomTokens(int steps)
    {
        string file = Path.Combine(Path.GetTempPath(), $"lema-bench-{Guid.NewGuid():N}.safetensors");
        SafetensorsSpec[] specs = [.. new[] { "attention_mask", "input_ids", "labels" }.Select(name => new SafetensorsSpec(name, "I64", [steps, Batch, Length]))];
        Random random = new(1);
        long[] ids = [.. Enumerable.Range(0, steps * Batch * Length).Select(_ => (long)random.Next(Vocabulary))], ones = new long[ids.Length];
        Array.Fill(ones, 1);
        using (SafetensorsWriter writer = new(file, specs))
        {
            foreach (long[] values in (long[][])[ones, ids, ids]) writer.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
            writer.Complete();
        }
        byte[] content = File.ReadAllBytes(file);
        File.Delete(file);
        return content;
    }

    private static async Task UploadAsync(Datasets.DatasetsClient datasets, byte[] content)
    {
        const int chunk = 1 << 20;
        using AsyncClientStreamingCall<UploadDatasetRequest, Dataset> call = datasets.UploadDataset();
        await call.RequestStream.WriteAsync(new UploadDatasetRequest { Header = new() { Name = "tokens", FileName = "tokens.safetensors", SizeBytes = content.Length } });
        for (int offset = 0; offset < content.Length; offset += chunk)
            await call.RequestStream.WriteAsync(new UploadDatasetRequest { Chunk = ByteString.CopyFrom(content, offset, Math.Min(chunk, content.Length - offset)) });
        await call.RequestStream.CompleteAsync();
        await call;
    }
}
