namespace Lema.Cli.Transfers;

/// <summary>Bytes of one file that travel in one call.</summary>
/// <param name="Path">Relative path of the file, with '/'.</param>
internal sealed record TransferPart(string Path, long Offset, long Length)
{
    /// <summary>Small enough that a program that is killed loses seconds of a slow line's work, large enough that a call's round trip does not show.</summary>
    public const long Size = 4L << 20;

    /// <summary>Parts on their way at a time.</summary>
    public const int ParallelCalls = 4;

    /// <summary>What is missing of a file, in parts of at most <see cref="Size"/> bytes.</summary>
    /// <param name="received">Ranges that are there already, in order and apart.</param>
    public static IEnumerable<TransferPart> Missing(string path, long size, IEnumerable<(long Offset, long Length)> received)
    {
        long at = 0;
        foreach ((long offset, long length) in received.Append((size, 0)))
        {
            for (; at < offset; at += Size) yield return new TransferPart(path, at, Math.Min(Size, offset - at));
            at = offset + length;
        }
    }
}
