using Lema.Engine.Errors;

namespace Lema.Engine.Storage;

/// <summary>Turns what the operating system says about a file into a <see cref="StorageException"/> with the remedy.</summary>
public static class StorageFault
{
    private const int NoSpaceLeft = 28, QuotaExceeded = 122;
    private const int WindowsDiskFull = unchecked((int)0x80070070);

    /// <summary>Whether a write failed for want of space or quota: it can succeed unchanged once space is freed.</summary>
    public static bool IsDiskFull(IOException fault) => fault.HResult is NoSpaceLeft or QuotaExceeded or WindowsDiskFull;

    public static StorageException From(string path, Exception fault) => fault switch
    {
        StorageException typed => typed,
        IOException io when IsDiskFull(io) => new StorageException(path, 0, $"the disk is full or the quota is used up; free space and try again ({io.Message})", io),
        _ => new StorageException(path, 0, fault.Message, fault),
    };
}
