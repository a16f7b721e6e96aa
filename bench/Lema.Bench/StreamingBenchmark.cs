using Lema.Engine.Devices;
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
        long? total = options.Integer("total");
        if (total is not null) NativeHeap.ReturnFreedMemory();
        long modelBytes = GlobalBinaryIndex.Open(folder).TotalBytes;
        long? weights = options.Integer("weights") ?? (total is null ? modelBytes / 5 : null);
        BenchPlan bench = BenchPlan.Make(folder, batch, length, options.Integer("rows") ?? batch, weights, total);
        (MemoryPlan plan, PlanRequest request) = (bench.Memory, bench.Request);
        double gemm = FlightCheck.GemmFlopsPerSecond(torch.ScalarType.BFloat16), disk = request.Speeds.DiskBytesPerSecond;

        using BenchStep streamed = new(folder, batch, length, plan.MicroBatchRows, plan.WeightBytes, plan, DirectIo.On) { Resident = new ResidentLimit(plan.HostBytes) };
        double forecast = plan.SecondsAt(request, request.Speeds with { FlopsPerSecond = BlockProbe.FlopsPerSecond(streamed.Model, streamed.FirstBatch, request.BlockParameters / request.Blocks) });
        double warmUp = streamed.Run();
        long peak = ProcessMemory.PeakRssBytes;
        Timings timings = total is null ? ByTurns(streamed, folder, batch, length, plan, warmUp) : Alone(streamed, warmUp);
        peak = total is null ? peak : ProcessMemory.PeakRssBytes;

        double seconds = Statistics.Median(timings.Streamed);
        BenchReport report = new();
        report.Add("streamedOverResident", timings.Resident.Count == 0 ? null : seconds / Statistics.Median(timings.Resident));
        report.Add("streamedSeconds", seconds);
        report.Add("residentSeconds", timings.Resident.Count == 0 ? null : Statistics.Median(timings.Resident));
        report.Add("streamedSpread", timings.Streamed.ToArray());
        report.Add("residentSpread", timings.Resident.ToArray());
        report.Add("gemmFraction", bench.StepFlops / seconds / gemm);
        report.Add("gemmFlopsPerSecond", gemm);
        report.Add("tokensPerSecond", request.StepTokens / seconds);
        report.Add("diskReadBytes", timings.DiskBytes / timings.Streamed.Count);
        report.Add("leastDiskReadBytes", (long)(0.98 * (plan.DiskBytesPerStep - WrittenBytes(plan, request))));
        report.Add("diskBytesPerSecond", disk);
        report.Add("diskFraction", timings.DiskBytes / timings.Streamed.Sum() / disk);
        report.Add("stallShare", timings.StallSeconds / timings.Streamed.Sum());
        report.Add("peakRssBytes", peak);
        report.Add("planBytes", plan.HostBytes);
        report.Add("rssOverPlan", (double)peak / plan.HostBytes);
        report.Add("forecastSeconds", forecast);
        report.Add("forecastError", Math.Abs(forecast - seconds) / seconds);
        report.Add("weightBytes", plan.WeightBytes);
        report.Add("modelBytes", modelBytes);
        report.Add("slots", plan.Slots);
        report.Add("pinnedUnits", plan.PinnedUnits);
        report.Add("microBatchRows", plan.MicroBatchRows);
        report.Add("keptLayers", plan.KeptLayers);
        report.Add("chunkTokens", plan.ChunkTokens);
        return report;
    }

    private sealed record Timings(List<double> Streamed, List<double> Resident, long DiskBytes, double StallSeconds);

    private static Timings ByTurns(BenchStep streamed, string folder, long batch, long length, MemoryPlan plan, double warmUp)
    {
        using BenchStep resident = new(folder, batch, length, plan.MicroBatchRows, null, plan, DirectIo.On);
        streamed.Resident = null;
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

    /// <summary>The plan counts boundaries in a file twice, written and read.</summary>
    private static long WrittenBytes(MemoryPlan plan, PlanRequest request) =>
        plan.Boundaries == BoundaryPlace.File ? (request.Blocks - plan.KeptLayers) * PlanCosts.Boundary(request) : 0;
}
