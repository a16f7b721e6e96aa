using System.IO.Hashing;
using Lema.Engine.Streaming;

namespace Lema.Engine.Weights;

/// <summary>
/// XxHash128 over the files of a model, one after another. It finds a byte that a disk or a transfer changed and keeps up with any disk, as SHA-256 does not; it
/// is no protection against someone who changes a model on purpose.
/// </summary>
internal static class ModelHash
{
    public static string Compute(IReadOnlyList<SafetensorsHeader> headers, IProgress<ByteProgress>? progress, CancellationToken cancellation)
    {
        XxHash128 hash = new();
        long total = headers.Sum(header => header.FileBytes);
        long done = 0;
        using ModelFiles files = new();
        using ReadAhead reader = new(files);
        reader.ForEach(headers.SelectMany(header => Pieces(header.File, header.FileBytes)), piece => piece, (bytes, _) =>
        {
            cancellation.ThrowIfCancellationRequested();
            hash.Append(bytes);
            done += bytes.Length;
            progress?.Report(new ByteProgress(done, total));
        });
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static IEnumerable<FilePiece> Pieces(string file, long bytes)
    {
        for (long offset = 0; offset < bytes; offset += ReadAhead.MostPieceBytes)
            yield return new FilePiece(file, offset, (int)Math.Min(ReadAhead.MostPieceBytes, bytes - offset));
    }
}
