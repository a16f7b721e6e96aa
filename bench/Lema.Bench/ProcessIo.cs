using System.Globalization;

namespace Lema.Bench;

/// <summary>What this process really read from block devices (/proc/self/io).</summary>
internal static class ProcessIo
{
    public static long ReadBytes
    {
        get
        {
            string line = File.ReadLines("/proc/self/io").First(line => line.StartsWith("read_bytes:", StringComparison.Ordinal));
            return long.Parse(line["read_bytes:".Length..], CultureInfo.InvariantCulture);
        }
    }
}
