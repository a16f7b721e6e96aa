using System.Diagnostics;
using Lema.Engine.Adapters;
using Lema.Engine.Devices;
using Lema.Engine.Merging;
using Lema.Engine.Models;
using Lema.Engine.Storage;
using Lema.Engine.Streaming;
using Lema.Engine.Training;
using Lema.Engine.Weights;

namespace Lema.Bench;

/// <summary>Prepare, merge and verify against what the disk can do: an O_DIRECT copy with fsync for the first two, an O_DIRECT read for the last.</summary>
internal sealed class LoadBenchmark : IBenchmark
{
    private const int CopyBytes = 32 << 20;

    public string Name => "load";

    public BenchReport Run(BenchOptions options)
    {
        string folder = BenchModel.Folder(options.Required("model"));
        GlobalBinaryIndex index = GlobalBinaryIndex.Open(folder);
        string file = index.Headers[0].File;
        long idle = ProcessMemory.RssBytes;
        string work = Directory.CreateTempSubdirectory("lema-bench-load-").FullName;
        try
        {
            double copySpeed = index.Headers[0].FileBytes / Seconds(() => Copy(file, Path.Combine(work, "copy")));
            File.Delete(Path.Combine(work, "copy"));
            double readSpeed = FlightCheck.DiskBytesPerSecond(file);
            double prepare = index.TotalBytes / Seconds(() => ModelPreparer.Prepare(folder, Path.Combine(work, "prepared"), new PrepareOptions()));
            long preparePeak = ProcessMemory.PeakRssBytes;
            Directory.Delete(Path.Combine(work, "prepared"), recursive: true);
            double verify = index.Headers.Sum(header => header.FileBytes) / Seconds(() => index.ContentHash());
            double merge = index.TotalBytes / Merge(folder, index, Path.Combine(work, "merged"));

            BenchReport report = new();
            report.Add("prepareOverDisk", prepare / copySpeed);
            report.Add("mergeOverDisk", merge / copySpeed);
            report.Add("verifyOverDisk", verify / readSpeed);
            report.Add("prepareBytesPerSecond", prepare);
            report.Add("mergeBytesPerSecond", merge);
            report.Add("verifyBytesPerSecond", verify);
            report.Add("copyBytesPerSecond", copySpeed);
            report.Add("readBytesPerSecond", readSpeed);
            report.Add("idleRssBytes", idle);
            report.Add("preparePeakOverIdleBytes", preparePeak - idle);
            report.Add("peakOverIdleBytes", ProcessMemory.PeakRssBytes - idle);
            report.Add("modelBytes", index.TotalBytes);
            return report;
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static double Merge(string folder, GlobalBinaryIndex index, string output)
    {
        DecoderModel model = ModelFamilies.Read(folder);
        using AdapterWeights adapters = TrainedWeights.Create(model, index, new RunSettings());
        return Seconds(() => AdapterMerger.Merge(model, index, adapters, output, new MergeOptions()));
    }

    /// <summary>What the disk can do at best with one reader and one writer by turns.</summary>
    private static void Copy(string source, string target)
    {
        using DirectFile reader = DirectFile.TryOpen(source) ?? throw new Engine.Errors.StorageException(source, 0, "the file system has no O_DIRECT");
        using DirectWriter writer = DirectWriter.Create(target);
        using HostBuffer first = new(CopyBytes), second = new(CopyBytes);
        long length = new FileInfo(source).Length;
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

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
