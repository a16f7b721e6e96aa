using System.Diagnostics;
using Lema.Engine.Models.Operations;
using Lema.Engine.Streaming;
using Lema.Engine.Streaming.Planning;
using TorchSharp;

namespace Lema.Engine.Devices;

/// <summary>Measures, in a few seconds, what a forecast depends on: the disk under a model, matrix products, copies within memory.</summary>
public static class FlightCheck
{
    /// <summary>What the memory's speed is measured on.</summary>
    public const long MemoryProbeBytes = 1L << 30;

    private const int GemmRows = 512;
    private const int GemmInner = 4096;
    private const int GemmColumns = 11_008;
    private const int GemmRuns = 12;
    private const int MemoryRuns = 5;
    private const long SampleBytes = 1L << 30;
    private const int CopyBytes = 64 << 20;
    private const int CopyRuns = 8;

    private static readonly int[] ReadSizes = [8 << 20, 16 << 20, 32 << 20, 64 << 20];

    /// <param name="file">The model's largest file.</param>
    /// <param name="stepShare">Share of the matrix product's speed that a training step reaches.</param>
    public static MeasuredSpeeds Measure(string file, torch.ScalarType type, double stepShare, IDevice device)
    {
        double disk = DiskBytesPerSecond(file);
        // Where the processor computes nothing is copied: what has been read is there.
        double copies = device is ICopyDevice own ? CopyBytesPerSecond(own) : disk;
        return new MeasuredSpeeds(disk, copies, stepShare * GemmFlopsPerSecond(type, device));
    }

    /// <summary>Sequential reads past the page cache, at the best of several sizes of a call; through the page cache where there is no other way.</summary>
    public static double DiskBytesPerSecond(string file)
    {
        using DirectFile? direct = DirectFile.TryOpen(file);
        using Weights.PositionalFile buffered = Weights.PositionalFile.Open(file);
        long length = new FileInfo(file).Length;
        return ReadSizes.Max(size => ReadSpeed(direct, buffered, length, size));
    }

    /// <summary>A linear layer, [512, 4096] x [11008, 4096]: the best of twelve.</summary>
    /// <param name="device">Null: the processor.</param>
    public static double GemmFlopsPerSecond(torch.ScalarType type, IDevice? device = null)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        torch.Device where = device?.TorchDevice ?? torch.CPU;
        torch.Tensor input = torch.randn(GemmRows, GemmInner).to(type, where), weight = torch.randn(GemmColumns, GemmInner).to(type, where);
        double best = Enumerable.Range(0, GemmRuns).Min(_ => Seconds(() =>
        {
            using torch.Tensor output = MatrixProduct.Multiply(input, weight.t());
            device?.Synchronize();
        }));
        return 2.0 * GemmRows * GemmInner * GemmColumns / best;
    }

    /// <summary>Sums over a gibibyte with all threads: the best of five.</summary>
    public static double MemoryBytesPerSecond()
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        torch.Tensor values = torch.ones(MemoryProbeBytes / sizeof(float));
        return MemoryProbeBytes / Enumerable.Range(0, MemoryRuns).Min(_ => Seconds(() =>
        {
            using torch.Tensor sum = values.sum();
            sum.item<float>();
        }));
    }

    /// <summary>From page-locked host memory, 64 MiB at a time: the best of eight.</summary>
    internal static double CopyBytesPerSecond(ICopyDevice device)
    {
        using HostBuffer host = new(CopyBytes);
        nint target = device.Allocate(CopyBytes);
        using IDeviceEvent done = device.CreateEvent();
        device.Pin(host);
        double best = Enumerable.Range(0, CopyRuns).Min(_ => Seconds(() =>
        {
            device.QueueCopy(host.Address, target, CopyBytes);
            done.RecordOnCopies();
            done.Synchronize();
        }));
        device.Unpin(host);
        return CopyBytes / best;
    }

    private static double ReadSpeed(DirectFile? direct, Weights.PositionalFile buffered, long length, int size)
    {
        long bytes = Math.Min(SampleBytes, length) / size * size;
        if (bytes == 0) (size, bytes) = ((int)(length / HostBuffer.Alignment * HostBuffer.Alignment), length / HostBuffer.Alignment * HostBuffer.Alignment);
        if (bytes == 0) return double.PositiveInfinity;
        using HostBuffer buffer = new(size);
        return bytes / Seconds(() =>
        {
            for (long offset = 0; offset < bytes; offset += size)
            {
                if (direct is not null) direct.Fill(buffer.Span(0, size), offset, size);
                else buffered.Fill(buffer.Span(0, size), offset);
            }
        });
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
