using System.Globalization;

namespace Lema.Bench;

/// <summary>What the kernel knows of this process.</summary>
internal static class ProcessIo
{
    /// <summary>What it really read from block devices (/proc/self/io).</summary>
    public static long ReadBytes
    {
        get
        {
            string line = File.ReadLines("/proc/self/io").First(line => line.StartsWith("read_bytes:", StringComparison.Ordinal));
            return long.Parse(line["read_bytes:".Length..], CultureInfo.InvariantCulture);
        }
    }

    /// <summary>The peak of resident memory counts from here on (proc(5), clear_refs).</summary>
    public static void ResetPeakMemory() => File.WriteAllText("/proc/self/clear_refs", "5");
}
