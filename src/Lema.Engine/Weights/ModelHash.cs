using System.IO.Hashing;
using Lema.Engine.Streaming;

namespace Lema.Engine.Weights;

/// <summary>
/// A hash of hashes over the files of a model: each file is cut into pieces of 16 MiB from its start on, the last one as long as what is left, and the XxHash128 of the
/// pieces' XxHash128 (16 bytes each, big-endian), in the order of files and pieces, is the model's. Pieces are independent, so several threads read and hash side by side.
/// It finds a byte that a disk or a transfer changed and keeps up with any disk, as SHA-256 does not; it is no protection against someone who changes a model on purpose.
/// </summary>
internal static class ModelHash
{
    public const int PieceBytes = 16 << 20;

    private const int DigestBytes = 16;

    // What was read is still in the processor's cache when it is hashed.
    private const int ReadBytes = 4 << 20;

    // One for each processor and one more, so that the disk is asked while all of them hash.
    private const int MostThreads = 16;

    /// <param name="progress">Told after each read, by one thread at a time.</param>
    /// <exception cref="Errors.StorageException">A file could not be read or is shorter than its header says.</exception>
    public static string Compute(IReadOnlyList<SafetensorsHeader> headers, IProgress<ByteProgress>? progress, CancellationToken cancellation)
    {
        FilePiece[] pieces = [.. headers.SelectMany(header => Parts(header.File, 0, header.FileBytes, PieceBytes))];
        byte[] digests = new byte[pieces.Length * DigestBytes];
        using ModelFiles files = new();
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        PieceCounter counter = new(headers.Sum(header => header.FileBytes), progress);
        int next = -1;

        void Work()
        {
            using HostBuffer buffer = new(ReadBytes);
            XxHash128 hash = new();
            try
            {
                for (int index; (index = Interlocked.Increment(ref next)) < pieces.Length;)
                {
                    foreach (FilePiece part in Parts(pieces[index].File, pieces[index].Offset, pieces[index].End, ReadBytes))
                    {
                        if (stop.IsCancellationRequested) return;
                        hash.Append(Read(files, part, buffer));
                        counter.Add(part.ByteCount);
                    }
                    hash.GetHashAndReset(digests.AsSpan(index * DigestBytes, DigestBytes));
                }
            }
            catch
            {
                stop.Cancel();
                throw;
            }
        }

        int threads = Math.Clamp(Math.Min(Environment.ProcessorCount + 1, pieces.Length), 1, MostThreads);
        WorkThread[] workers = [.. Enumerable.Range(0, threads).Select(index => new WorkThread($"lema model hash {index}"))];
        Task[] work = [.. workers.Select(worker => worker.Run(Work))];
        foreach (WorkThread worker in workers) worker.Dispose();
        foreach (Task done in work) done.GetAwaiter().GetResult();
        cancellation.ThrowIfCancellationRequested();
        return Convert.ToHexStringLower(XxHash128.Hash(digests));
    }

    private static IEnumerable<FilePiece> Parts(string file, long start, long end, int partBytes)
    {
        for (long offset = start; offset < end; offset += partBytes) yield return new FilePiece(file, offset, (int)Math.Min(partBytes, end - offset));
    }

    /// <summary>Every part starts at the border of a page, so that it is read in place.</summary>
    private static ReadOnlySpan<byte> Read(ModelFiles files, FilePiece part, HostBuffer buffer)
    {
        if (files.Direct(part.File) is { } direct) direct.Fill(buffer.Span(0, ReadBytes), part.Offset, part.ByteCount);
        else files[part.File].Fill(buffer.Span(0, part.ByteCount), part.Offset);
        return buffer.Span(0, part.ByteCount);
    }

    /// <summary>Bytes that are hashed.</summary>
    private sealed class PieceCounter(long total, IProgress<ByteProgress>? progress)
    {
        private readonly Lock _gate = new();
        private long _done;

        public void Add(long bytes)
        {
            lock (_gate) progress?.Report(new ByteProgress(_done += bytes, total));
        }
    }
}
