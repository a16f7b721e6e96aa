using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Lema.Server.Artifacts;

/// <summary>SHA-256 of files that do not change often: remembered until size or time of the file do. Lives as long as the daemon.</summary>
internal sealed class FileHashes
{
    private const int Most = 10_000;

    private readonly ConcurrentDictionary<string, (long Size, DateTime Modified, string Hash)> _known = new();

    /// <summary>The hash, if the file was read before and is still the same; null otherwise.</summary>
    public string? Known(FileInfo file) =>
        _known.TryGetValue(file.FullName, out var known) && known.Size == file.Length && known.Modified == file.LastWriteTimeUtc ? known.Hash : null;

    public async Task<string> OfAsync(string file, CancellationToken stop)
    {
        FileInfo info = new(file);
        if (Known(info) is { } known) return known;
        await using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 20, FileOptions.Asynchronous | FileOptions.SequentialScan);
        string hash = Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, stop).ConfigureAwait(false));
        if (_known.Count >= Most) _known.Clear();
        _known[info.FullName] = (info.Length, info.LastWriteTimeUtc, hash);
        return hash;
    }
}
