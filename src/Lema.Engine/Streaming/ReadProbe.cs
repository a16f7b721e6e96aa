using System.Diagnostics;

namespace Lema.Engine.Streaming;

/// <summary>Measures which way of reading is faster for a model now. A few samples, spread over the files, a fraction of a second.</summary>
internal static class ReadProbe
{
    private const int SampleBytes = 8 << 20;
    private const int Samples = 6;

    /// <summary>Whether to read past the page cache. Models below the samples' size are read through it.</summary>
    public static bool PrefersDirect(ModelFiles files, IReadOnlyList<Extent> extents)
    {
        Extent[] large = [.. extents.Where(extent => extent.ByteCount >= SampleBytes)];
        if (large.Length < Samples || large.Any(extent => files.Direct(extent.File) is null)) return false;
        using HostBuffer buffer = new(SampleBytes + HostBuffer.Alignment);
        double buffered = 0, direct = 0;
        for (int sample = 0; sample < Samples; sample++)
        {
            Extent extent = large[(int)((long)sample * large.Length / Samples)];
            long start = extent.FileOffset / HostBuffer.Alignment * HostBuffer.Alignment;
            // Direct first: the buffered read would leave the sample in the cache, where the kernel has to look before a direct one.
            direct += Seconds(() => files.Direct(extent.File)!.Fill(buffer.Span(0, SampleBytes), start, SampleBytes));
            buffered += Seconds(() => files[extent.File].Fill(buffer.Span(0, SampleBytes), start));
        }
        return direct < buffered;
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
