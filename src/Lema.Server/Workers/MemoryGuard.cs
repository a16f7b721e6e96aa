using Lema.Engine.Errors;

namespace Lema.Server.Workers;

/// <summary>Ends a worker that takes more memory than it was given before the system has to choose whom to end.</summary>
internal static class MemoryGuard
{
    /// <summary>What may be over a limit that a user has set: allocators round, and pages of files count for a while.</summary>
    private const double Tolerance = 1.25;

    /// <summary>With less than this left on the machine, whoever has more than its share goes.</summary>
    private const long ShortageBytes = 256L << 20;

    /// <summary>Bytes from which on a limit that a user has set is broken.</summary>
    public static long Ceiling(long limitBytes) => (long)(Tolerance * limitBytes);

    /// <param name="bytes">What the worker had.</param>
    public static BudgetExceededException OverLimit(string job, long bytes, long limitBytes) => new(bytes, limitBytes, $"{job}: memory.totalBytes");

    /// <param name="givenBytes">What was reserved for the worker; 0: not known.</param>
    /// <param name="isLimit">A user set it; otherwise it is an estimate, which counts only when the machine runs short.</param>
    /// <param name="availableBytes">Of the machine or its control group.</param>
    /// <returns>Why the worker is to be ended; null: it is not.</returns>
    public static BudgetExceededException? Judge(string job, long rssBytes, long givenBytes, bool isLimit, long availableBytes)
    {
        if (givenBytes <= 0 || rssBytes <= givenBytes) return null;
        if (isLimit && rssBytes > Ceiling(givenBytes)) return OverLimit(job, rssBytes, givenBytes);
        return availableBytes < ShortageBytes ? new BudgetExceededException(rssBytes, givenBytes, $"{job}: the machine has {availableBytes:N0} bytes left; memory.totalBytes") : null;
    }
}
