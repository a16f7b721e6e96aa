using System.Buffers.Binary;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Errors;
using Microsoft.Win32.SafeHandles;

namespace Lema.Engine.Datasets.Cache;

/// <summary>Rows of a cache on disk, read as they are asked for: 12 bytes of memory a row, whatever its length. Safe for use by many threads at once.</summary>
internal sealed class CachedRows : ITokenizedRows
{
    private readonly SafeFileHandle _tokens;
    private readonly int[] _lengths;
    private readonly long[] _offsets;

    private CachedRows(SafeFileHandle tokens, int[] lengths, long[] offsets) => (_tokens, _lengths, _offsets) = (tokens, lengths, offsets);

    public int Count => _lengths.Length;

    /// <summary>Opens a cache; null where there is none that is whole.</summary>
    public static CachedRows? TryOpen(string folder)
    {
        string index = Path.Combine(folder, TokenCacheFormat.Index), tokens = Path.Combine(folder, TokenCacheFormat.Tokens);
        if (!File.Exists(index) || !File.Exists(tokens)) return null;
        byte[] bytes = File.ReadAllBytes(index);
        int[] lengths = new int[bytes.Length / sizeof(int)];
        long[] offsets = new long[lengths.Length];
        long offset = 0;
        for (int row = 0; row < lengths.Length; row++)
        {
            lengths[row] = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(row * sizeof(int)));
            offsets[row] = offset;
            offset += (long)lengths[row] * sizeof(int);
        }
        if (new FileInfo(tokens).Length != offset) return null;
        return new CachedRows(File.OpenHandle(tokens, options: FileOptions.RandomAccess), lengths, offsets);
    }

    public int LengthOf(int index) => _lengths[index];

    public TokenizedRow Read(int index) => Read(_tokens, _offsets[index], _lengths[index]);

    /// <summary>Reads a row at its place in a file of tokens.</summary>
    public static TokenizedRow Read(SafeFileHandle file, long offset, int length)
    {
        byte[] bytes = new byte[length * sizeof(int)];
        for (int done = 0, read; done < bytes.Length; done += read)
        {
            read = RandomAccess.Read(file, bytes.AsSpan(done), offset + done);
            if (read == 0) throw new StorageException("the cache of tokenized rows", offset + done, "it ends here, cut short. Delete it.");
        }
        long[] ids = new long[length], labels = new long[length];
        for (int token = 0; token < length; token++)
        {
            int packed = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(token * sizeof(int)));
            ids[token] = TokenCacheFormat.Id(packed);
            labels[token] = TokenCacheFormat.CarriesLoss(packed) ? ids[token] : TokenizedRow.Ignored;
        }
        return new TokenizedRow(ids, labels);
    }

    public void Dispose() => _tokens.Dispose();
}
