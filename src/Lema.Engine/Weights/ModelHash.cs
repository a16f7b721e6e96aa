using System.Security.Cryptography;
using Lema.Engine.Streaming;

namespace Lema.Engine.Weights;

/// <summary>SHA-256 over the files of a model, one after another.</summary>
internal static class ModelHash
{
    private const int ChunkBytes = 8 << 20;

    public static string Compute(IReadOnlyList<SafetensorsHeader> headers, IProgress<ByteProgress>? progress, CancellationToken cancellation)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long total = headers.Sum(header => header.FileBytes);
        long done = 0;
        using ModelFiles files = new();
        using ReadAhead reader = new(files, ChunkBytes);
        reader.ForEach(headers.SelectMany(header => Pieces(header.File, header.FileBytes)), bytes =>
        {
            cancellation.ThrowIfCancellationRequested();
            hash.AppendData(bytes);
            done += bytes.Length;
            progress?.Report(new ByteProgress(done, total));
        });
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static IEnumerable<FilePiece> Pieces(string file, long bytes)
    {
        for (long offset = 0; offset < bytes; offset += ChunkBytes) yield return new FilePiece(file, offset, (int)Math.Min(ChunkBytes, bytes - offset));
    }
}
