using Lema.Engine.Devices;
using Lema.Engine.Storage;
using Lema.Protocol.V1;
using Lema.Server.Workers;
using static TorchSharp.torch;

namespace Lema.Server.EngineJobs;

/// <summary>Measures disk, memory and compute as a run's flight check does, and says what stands in the way of using them.</summary>
internal static class DiagnoseJobRunner
{
    private const long ProbeBytes = 256 << 20, LeastProbeBytes = 16 << 20;
    private const long LittleDisk = 5L << 30;
    private const double SlowDisk = 200e6;

    /// <summary>Of float32's speed, what makes bfloat16 worth it: it takes half the memory and half the disk's time.</summary>
    private const double LeastHalfShare = 0.8;

    public static void Run(DiagnoseJob job, IJobContext context)
    {
        long free = new DriveInfo(job.Folder).AvailableFreeSpace;
        double? disk = DiskSpeed(job.Folder, free);
        DiagnoseResponse report = new()
        {
            GemmBf16Flops = FlightCheck.GemmFlopsPerSecond(ScalarType.BFloat16), GemmFp32Flops = FlightCheck.GemmFlopsPerSecond(ScalarType.Float32),
            DiskBytesPerSecond = disk ?? 0, MemoryBytesPerSecond = FlightCheck.MemoryBytesPerSecond(),
        };
        void Find(bool well, string subject, string finding, string remedy) => report.Findings.Add(new Diagnosis
        {
            Severity = well ? Diagnosis.Types.Severity.Ok : Diagnosis.Types.Severity.Warning, Subject = subject, Finding = finding, Remedy = well ? "" : remedy,
        });
        Find(free >= LittleDisk, "disk space", $"{free:N0} bytes are free.", "Free space, or move the data folder: checkpoints and merged models are written there.");
        if (disk is null) Find(false, "disk speed", "Not measured: the disk has no room for a file to read.", "Free space first.");
        else Find(disk >= SlowDisk, "disk speed", $"{report.DiskBytesPerSecond / 1e6:N0} MB/s, read past the page cache.", "Put models on a faster disk, an SSD: every step reads the weights that do not stay in memory.");
        Find(report.GemmBf16Flops >= LeastHalfShare * report.GemmFp32Flops, "bf16", $"{report.GemmBf16Flops / 1e9:N0} GFLOP/s against {report.GemmFp32Flops / 1e9:N0} in fp32.", "This processor is faster in fp32: set precision: fp32.");
        Find(Environment.GetEnvironmentVariable("GLIBC_TUNABLES") is { Length: > 0 }, "memory allocator", "GLIBC_TUNABLES of the worker.", "Let lema-server start its workers itself, which sets it.");
        context.Publish(new WorkerEvent { Diagnosis = report });
        context.Publish(new WorkerEvent { Completed = new JobCompleted() });
    }

    /// <summary>Bytes a second of a file that is written for it; null where the disk is too full for one.</summary>
    internal static double? DiskSpeed(string folder, long freeBytes)
    {
        // Half of what is free: runs and uploads go on meanwhile.
        long bytes = Math.Min(ProbeBytes, freeBytes / 2);
        if (bytes < LeastProbeBytes) return null;
        string probe = Path.Combine(folder, ".probe-" + Guid.NewGuid().ToString("N"));
        try
        {
            byte[] block = new byte[8 << 20];
            Random.Shared.NextBytes(block);
            using (FileStream file = new(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0))
            {
                for (long written = 0; written <= bytes - block.Length; written += block.Length) file.Write(block);
                file.Flush(flushToDisk: true);
            }
            return FlightCheck.DiskBytesPerSecond(probe);
        }
        catch (IOException error) when (StorageFault.IsDiskFull(error))
        {
            return null;
        }
        finally
        {
            File.Delete(probe);
        }
    }
}
