using System.Diagnostics;
using Lema.Engine.Training;
using static TorchSharp.torch;

namespace Lema.Server.EngineJobs;

/// <summary>What this machine does in a second, measured in about a second.</summary>
internal sealed record MachineSpeed(double FlopsPerSecond, double DiskBytesPerSecond)
{
    private const int Rows = 512, Inner = 4096, Columns = 11008, Repetitions = 3;

    /// <summary>Bytes read to time the disk, in one piece of a file.</summary>
    private const int ReadBytes = 64 << 20;

    /// <param name="file">On the disk to measure.</param>
    public static MachineSpeed Measure(Precision precision, string file) => new(Gemm(precision == Precision.Fp32 ? ScalarType.Float32 : ScalarType.BFloat16), Disk(file));

    /// <summary>Floating-point operations of a product [512, 4096] x [4096, 11008], best of some.</summary>
    public static double Gemm(ScalarType type)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor left = ones(Rows, Inner, type), right = ones(Columns, Inner, type);
        double best = double.MaxValue;
        for (int i = 0; i <= Repetitions; i++)
        {
            using var inner = NewDisposeScope();
            long start = Stopwatch.GetTimestamp();
            left.mm(right.t());
            if (i > 0) best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return 2.0 * Rows * Inner * Columns / best;
    }

    /// <summary>Bytes a second of one sequential read; of a file that is in the page cache this is the cache's speed.</summary>
    public static double Disk(string file)
    {
        using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.SequentialScan);
        byte[] buffer = new byte[(int)Math.Min(ReadBytes, stream.Length)];
        long start = Stopwatch.GetTimestamp();
        int read = 0;
        while (read < buffer.Length && stream.Read(buffer, read, buffer.Length - read) is var count and > 0) read += count;
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return seconds > 0 ? read / seconds : 0;
    }
}
