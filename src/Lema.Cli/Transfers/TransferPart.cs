namespace Lema.Cli.Transfers;

/// <summary>Bytes of one file that travel in one call.</summary>
/// <param name="Path">Relative path of the file, with '/'.</param>
internal sealed record TransferPart(string Path, long Offset, long Length)
{
    /// <summary>Small enough that a program that is killed loses seconds of a slow line's work, large enough that a call's round trip does not show.</summary>
    public const long Size = 4L << 20;

    /// <summary>Parts on their way at a time.</summary>
    public const int ParallelCalls = 4;

    private long End => Offset + Length;

    /// <summary>What is missing of a file, in parts of at most <see cref="Size"/> bytes.</summary>
    /// <param name="received">Ranges of the file that are there already, in order and apart.</param>
    public static IEnumerable<TransferPart> Missing(string path, long size, IEnumerable<(long Offset, long Length)> received)
    {
        foreach (TransferPart gap in new TransferPart(path, 0, size).Without(received))
        {
            for (long at = gap.Offset; at < gap.End; at += Size) yield return gap with { Offset = at, Length = Math.Min(Size, gap.End - at) };
        }
    }

    /// <summary>What is missing of this part.</summary>
    /// <param name="received">Ranges of the file that are there already, in order and apart.</param>
    public IEnumerable<TransferPart> Without(IEnumerable<(long Offset, long Length)> received)
    {
        long at = Offset;
        foreach ((long offset, long length) in received.Append((End, 0)))
        {
            long gapEnd = Math.Min(offset, End);
            if (gapEnd > at) yield return this with { Offset = at, Length = gapEnd - at };
            at = Math.Max(at, offset + length);
        }
    }
}
