using System.Diagnostics;
using Lema.Engine.Adapters;
using Lema.Engine.Devices;
using Lema.Engine.Errors;
using Lema.Engine.Merging;
using Lema.Engine.Models;
using Lema.Engine.Streaming;
using Lema.Engine.Training;
using Lema.Engine.Weights;

namespace Lema.Bench;

/// <summary>
/// Prepare, merge and verify against what the disk can do: an O_DIRECT copy with fsync for the first two, an O_DIRECT read for the last. Each is timed beside its
/// yardstick, round after round, since the speed of a disk changes from minute to minute.
/// </summary>
internal sealed class LoadBenchmark : IBenchmark
{
    private const int CopyBytes = 32 << 20;
    private const long BytesOfAllRounds = 8_000_000_000;
    private const int MostRounds = 5;

    public string Name => "load";

    public BenchReport Run(BenchOptions options)
    {
        string folder = BenchModel.Folder(options.Required("model"));
        long idle = ProcessMemory.RssBytes;
        GlobalBinaryIndex index = GlobalBinaryIndex.Open(folder);
        int rounds = (int)(options.Integer("rounds") ?? Math.Clamp(BytesOfAllRounds / index.TotalBytes, 1, MostRounds));
        string work = Directory.CreateTempSubdirectory("lema-bench-load-").FullName;
        try
        {
            Speeds[] speeds = [.. Enumerable.Range(0, rounds).Select(_ => Measure(folder, index, work))];
            BenchReport report = new();
            report.Add("prepareOverDisk", Median(speeds, round => round.Prepare / round.CopyBeforePrepare));
            report.Add("mergeOverDisk", Median(speeds, round => round.Merge / round.CopyBeforeMerge));
            report.Add("verifyOverDisk", Median(speeds, round => round.Verify / round.Read));
            report.Add("prepareBytesPerSecond", Median(speeds, round => round.Prepare));
            report.Add("mergeBytesPerSecond", Median(speeds, round => round.Merge));
            report.Add("verifyBytesPerSecond", Median(speeds, round => round.Verify));
            report.Add("copyBytesPerSecond", Median(speeds, round => (round.CopyBeforePrepare + round.CopyBeforeMerge) / 2));
            report.Add("readBytesPerSecond", Median(speeds, round => round.Read));
            report.Add("idleRssBytes", idle);
            report.Add("preparePeakOverIdleBytes", speeds.Max(round => round.PreparePeak) - idle);
            report.Add("mergePeakOverIdleBytes", speeds.Max(round => round.MergePeak) - idle);
            report.Add("verifyPeakOverIdleBytes", speeds.Max(round => round.VerifyPeak) - idle);
            report.Add("modelBytes", index.TotalBytes);
            report.Add("prepareOverDiskOfRounds", speeds.Select(round => round.Prepare / round.CopyBeforePrepare).ToArray());
            report.Add("mergeOverDiskOfRounds", speeds.Select(round => round.Merge / round.CopyBeforeMerge).ToArray());
            report.Add("verifyOverDiskOfRounds", speeds.Select(round => round.Verify / round.Read).ToArray());
            return report;
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static Speeds Measure(string folder, GlobalBinaryIndex index, string work)
    {
        string[] files = [.. index.Headers.Select(header => header.File)];
        string copy = Path.Combine(work, "copy"), output = Path.Combine(work, "output");
        long bytes = index.Headers.Sum(header => header.FileBytes);
        double read = FlightCheck.DiskBytesPerSecond(files[0]);
        (double verify, long verifyPeak) = Timed(() => index.ContentHash());

        double copyBeforePrepare = bytes / CopySeconds(files, copy);
        (double prepare, long preparePeak) = Timed(() => ModelPreparer.Prepare(folder, output, new PrepareOptions()));
        Directory.Delete(output, recursive: true);

        double copyBeforeMerge = bytes / CopySeconds(files, copy);
        string adapter = WriteAdapter(folder, index, work);
        (double merge, long mergePeak) = Timed(() => AdapterMerger.Merge(folder, adapter, output, new MergeOptions()));
        Directory.Delete(output, recursive: true);
        return new Speeds(read, bytes / verify, copyBeforePrepare, bytes / prepare, copyBeforeMerge, bytes / merge, verifyPeak, preparePeak, mergePeak);
    }

    /// <summary>A fresh one, of the settings that a run has by itself.</summary>
    private static string WriteAdapter(string folder, GlobalBinaryIndex index, string work)
    {
        DecoderModel model = ModelFamilies.Read(folder);
        RunSettings settings = new();
        AdapterWeights adapter = TrainedWeights.Create(model, index, settings);
        string target = Path.Combine(work, "adapter");
        Directory.CreateDirectory(target);
        AdapterFolder.Save(target, adapter, settings.Lora!, model, folder);
        adapter.Dispose();
        // A merge has a process of its own, which has made no adapter.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
        NativeHeap.Trim();
        return target;
    }

    private static double CopySeconds(IReadOnlyList<string> files, string copy)
    {
        double seconds = 0;
        foreach (string file in files)
        {
            seconds += Timed(() => Copy(file, copy)).Seconds;
            File.Delete(copy);
        }
        return seconds;
    }

    /// <summary>What the disk can do with one reader and one writer at a time.</summary>
    private static void Copy(string source, string target)
    {
        long length = new FileInfo(source).Length;
        using DirectFile reader = DirectFile.TryOpen(source) ?? throw new StorageException(source, 0, "the file system has no O_DIRECT");
        using DirectWriter writer = DirectWriter.Create(target, length);
        using HostBuffer first = new(CopyBytes), second = new(CopyBytes);
        Task write = Task.CompletedTask;
        for (long offset = 0; offset < length; offset += CopyBytes)
        {
            HostBuffer buffer = offset / CopyBytes % 2 == 0 ? first : second;
            int needed = (int)Math.Min(CopyBytes, length - offset);
            reader.Fill(buffer.Span(0, CopyBytes), offset, needed);
            write.Wait();
            long place = offset;
            write = Task.Run(() => writer.Write(buffer.Span(0, CopyBytes), place));
        }
        write.Wait();
        writer.Complete(length);
    }

    private static (double Seconds, long PeakRssBytes) Timed(Action action)
    {
        ProcessIo.ResetPeakMemory();
        long start = Stopwatch.GetTimestamp();
        action();
        return (Stopwatch.GetElapsedTime(start).TotalSeconds, ProcessMemory.PeakRssBytes);
    }

    private static double Median(Speeds[] rounds, Func<Speeds, double> figure) => Statistics.Median(rounds.Select(figure));

    /// <summary>Bytes a second of one round, and the peaks in bytes.</summary>
    private sealed record Speeds(
        double Read, double Verify, double CopyBeforePrepare, double Prepare, double CopyBeforeMerge, double Merge, long VerifyPeak, long PreparePeak, long MergePeak);
}
