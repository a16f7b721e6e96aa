using System.Security.Cryptography;

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
        byte[] buffer = new byte[(int)Math.Min(ChunkBytes, Math.Max(total, 1))];
        foreach (SafetensorsHeader header in headers)
        {
            using PositionalFile file = PositionalFile.Open(header.File);
            for (long offset = 0; offset < header.FileBytes;)
            {
                cancellation.ThrowIfCancellationRequested();
                Span<byte> chunk = buffer.AsSpan(0, (int)Math.Min(buffer.Length, header.FileBytes - offset));
                file.Fill(chunk, offset);
                hash.AppendData(chunk);
                offset += chunk.Length;
                done += chunk.Length;
                progress?.Report(new ByteProgress(done, total));
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
