using Lema.Engine.Devices;
using Lema.Engine.Models;
using Lema.Engine.Streaming;
using Lema.Engine.Streaming.Planning;
using Lema.Engine.Training;
using Lema.Engine.Weights;
using TorchSharp;

namespace Lema.Bench;

/// <summary>
/// A streamed step against a resident one, same tokens, by turns in one process. Weights are read past the page cache, so that every byte counted
/// comes from the disk.
/// </summary>
internal sealed class StreamingBenchmark : IBenchmark
{
    private const int Pairs = 5;
    private const int PairsOfLongSteps = 2;
    private const double LongStepSeconds = 60;

    public string Name => "streaming";

    public BenchReport Run(BenchOptions options)
    {
        string folder = BenchModel.Prepared(BenchModel.Folder(options.Required("model")));
        long batch = options.Integer("batch") ?? 8, length = options.Integer("length") ?? 512;
        GlobalBinaryIndex index = GlobalBinaryIndex.Open(folder);
        DecoderModel architecture = ModelFamilies.Read(folder);
        ModelUnits units = ModelUnits.Of(architecture, index);
        long? total = options.Integer("total");
        long weights = options.Integer("weights") ?? index.TotalBytes / 5;

        double disk = FlightCheck.DiskBytesPerSecond(index.Headers[0].File);
        double gemm = FlightCheck.GemmFlopsPerSecond(torch.ScalarType.BFloat16);
        RunSettings settings = new()
        {
            MicroBatchSize = 1, GradientAccumulation = (int)batch, MaxLength = (int)length,
            Memory = new MemorySettings { WeightBytes = total is null || options.Has("weights") ? weights : null, TotalBytes = total },
        };
        long trained = TrainedCount(architecture, index, settings);
        PlanRequest request = PlanRequests.Of(architecture, units, settings, trained, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, new MeasuredSpeeds(disk, disk, 0.6 * gemm));
        MemoryPlan plan = MemoryPlan.Make(request);

        using BenchStep streamed = new(folder, batch, length, plan.MicroBatchRows, plan.WeightBytes, plan, DirectIo.On);
        double achieved = BlockProbe.FlopsPerSecond(streamed.Model, streamed.FirstBatch, request.BlockParameters / request.Blocks);
        plan = MemoryPlan.Make(request with { Speeds = request.Speeds with { FlopsPerSecond = achieved } });
        double warmUp = streamed.Run();
        long peak = ProcessMemory.PeakRssBytes;
        Timings timings = total is null ? ByTurns(streamed, folder, batch, length, plan, warmUp) : Alone(streamed, warmUp);
        peak = total is null ? peak : ProcessMemory.PeakRssBytes;

        double seconds = Median(timings.Streamed);
        double flops = (6.0 * request.BlockParameters + 4.0 * request.HeadParameters) * request.StepTokens;
        BenchReport report = new();
        report.Add("streamedOverResident", timings.Resident.Count == 0 ? null : seconds / Median(timings.Resident));
        report.Add("streamedSeconds", seconds);
        report.Add("residentSeconds", timings.Resident.Count == 0 ? null : Median(timings.Resident));
        report.Add("streamedSpread", timings.Streamed.ToArray());
        report.Add("residentSpread", timings.Resident.ToArray());
        report.Add("gemmFraction", flops / seconds / gemm);
        report.Add("gemmFlopsPerSecond", gemm);
        report.Add("tokensPerSecond", request.StepTokens / seconds);
        report.Add("diskReadBytes", timings.DiskBytes / timings.Streamed.Count);
        report.Add("leastDiskReadBytes", (long)(0.98 * plan.DiskBytesPerStep));
        report.Add("diskBytesPerSecond", disk);
        report.Add("diskFraction", timings.DiskBytes / timings.Streamed.Sum() / disk);
        report.Add("stallShare", timings.StallSeconds / timings.Streamed.Sum());
        report.Add("peakRssBytes", peak);
        report.Add("planBytes", plan.HostBytes);
        report.Add("rssOverPlan", (double)peak / plan.HostBytes);
        report.Add("forecastSeconds", plan.SecondsPerStep);
        report.Add("forecastError", Math.Abs(plan.SecondsPerStep - seconds) / seconds);
        report.Add("weightBytes", plan.WeightBytes);
        report.Add("modelBytes", index.TotalBytes);
        report.Add("slots", plan.Slots);
        report.Add("pinnedUnits", plan.PinnedUnits);
        return report;
    }

    private sealed record Timings(List<double> Streamed, List<double> Resident, long DiskBytes, double StallSeconds);

    private static Timings ByTurns(BenchStep streamed, string folder, long batch, long length, MemoryPlan plan, double warmUp)
    {
        using BenchStep resident = new(folder, batch, length, plan.MicroBatchRows, null, plan, DirectIo.On);
        resident.Run();
        List<double> streamedSeconds = [], residentSeconds = [];
        long disk = 0;
        double stall = 0;
        for (int pair = 0; pair < (warmUp > LongStepSeconds ? PairsOfLongSteps : Pairs); pair++)
        {
            Measure(streamed, streamedSeconds, ref disk, ref stall);
            residentSeconds.Add(resident.Run());
        }
        return new Timings(streamedSeconds, residentSeconds, disk, stall);
    }

    private static Timings Alone(BenchStep streamed, double warmUp)
    {
        List<double> seconds = [];
        long disk = 0;
        double stall = 0;
        for (int step = 0; step < (warmUp > LongStepSeconds ? 1 : Pairs); step++) Measure(streamed, seconds, ref disk, ref stall);
        return new Timings(seconds, [], disk, stall);
    }

    private static void Measure(BenchStep streamed, List<double> seconds, ref long disk, ref double stall)
    {
        long bytes = ProcessIo.ReadBytes;
        StreamStatistics before = streamed.Model.Stream.Statistics;
        seconds.Add(streamed.Run());
        disk += ProcessIo.ReadBytes - bytes;
        stall += streamed.Model.Stream.Statistics.DiskStallSeconds - before.DiskStallSeconds;
    }

    private static long TrainedCount(DecoderModel architecture, GlobalBinaryIndex index, RunSettings settings)
    {
        using var adapters = TrainedWeights.Create(architecture, index, settings);
        return adapters.ParameterCount;
    }

    private static double Median(List<double> values)
    {
        double[] ordered = [.. values.Order()];
        return ordered[ordered.Length / 2];
    }
}
