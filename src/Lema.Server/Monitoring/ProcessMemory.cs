using System.Globalization;

namespace Lema.Server.Monitoring;

/// <summary>Resident size of processes, from /proc.</summary>
internal static class ProcessMemory
{
    /// <summary>Null where there is no such process, or no /proc.</summary>
    public static long? ResidentBytes(int processId)
    {
        try
        {
            string pages = File.ReadAllText($"/proc/{processId}/statm").Split(' ')[1];
            return long.Parse(pages, CultureInfo.InvariantCulture) * Environment.SystemPageSize;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
