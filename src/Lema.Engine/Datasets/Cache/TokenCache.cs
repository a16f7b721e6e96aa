using Lema.Engine.Datasets.Batches;
using Lema.Engine.Errors;

namespace Lema.Engine.Datasets.Cache;

/// <summary>
/// Keeps tokenized datasets: small ones in memory, large ones in a folder on disk, so that a dataset of any size trains in bounded memory and the next run on it
/// starts at once.
/// </summary>
internal static class TokenCache
{
    private const long LargestInMemoryBytes = 16 << 20;

    /// <summary>The folder of all caches: LEMA_CACHE, or <c>lema/tokens</c> in the user's cache folder.</summary>
    public static string Root => Environment.GetEnvironmentVariable("LEMA_CACHE") is { Length: > 0 } named ? Path.Combine(named, "tokens") : Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } home ? home : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "lema", "tokens");

    /// <summary>The rows of a dataset, from the cache where it has them.</summary>
    /// <param name="key">What the rows depend on.</param>
    /// <param name="root">The folder of all caches.</param>
    /// <param name="growingCount">How many rows the dataset has, where it is read in file order and training can begin before all are tokenized; else null.</param>
    /// <param name="run">Tokenizes all rows, in order.</param>
    public static ITokenizedRows Open(
        string file, string key, string root, Func<int?> growingCount, Action<Action<TokenizedRow>, CancellationToken> run, CancellationToken stop)
    {
        if (new FileInfo(file).Length <= LargestInMemoryBytes)
        {
            List<TokenizedRow> rows = [];
            run(rows.Add, stop);
            return new MemoryRows(rows);
        }
        string folder = Path.Combine(root, key);
        if (CachedRows.TryOpen(folder) is { } cached) return cached;
        try
        {
            Directory.CreateDirectory(root);
            if (growingCount() is { } count) return new GrowingRows(count, new TokenCacheWriter(folder), run);
            using TokenCacheWriter writer = new(folder);
            run(row => writer.Add(row), stop);
            writer.Commit();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(folder, 0, $"the cache of tokenized rows cannot be written: {problem.Message} Set LEMA_CACHE to a folder with space.", problem);
        }
        return CachedRows.TryOpen(folder) ?? throw new StorageException(folder, 0, "the cache of tokenized rows is not whole. Delete the folder.");
    }
}
