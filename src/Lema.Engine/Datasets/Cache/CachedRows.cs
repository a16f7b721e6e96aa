using System.Buffers.Binary;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Errors;
using Microsoft.Win32.SafeHandles;

namespace Lema.Engine.Datasets.Cache;

/// <summary>Rows of a cache on disk, read as they are asked for: 12 bytes of memory a row, whatever its length. Safe for use by many threads at once.</summary>
internal sealed class CachedRows : ITokenizedRows
{
    private readonly string _file;
    private readonly SafeFileHandle _tokens;
    private readonly int[] _lengths;
    private readonly long[] _offsets;

    private CachedRows(string file, SafeFileHandle tokens, int[] lengths, long[] offsets) => (_file, _tokens, _lengths, _offsets) = (file, tokens, lengths, offsets);

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
        return new CachedRows(tokens, File.OpenHandle(tokens, options: FileOptions.RandomAccess), lengths, offsets);
    }

    public int LengthOf(int index) => _lengths[index];

    public TokenizedRow Read(int index)
    {
        int[] packed = new int[_lengths[index]];
        Span<byte> bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes(packed.AsSpan());
        long offset = _offsets[index];
        while (bytes.Length > 0)
        {
            int read = RandomAccess.Read(_tokens, bytes, offset);
            if (read == 0) throw new StorageException(_file, offset, "the cache of tokenized rows ends here; it was cut short. Delete its folder.");
            bytes = bytes[read..];
            offset += read;
        }
        long[] ids = new long[packed.Length], labels = new long[packed.Length];
        for (int token = 0; token < packed.Length; token++)
        {
            int value = BitConverter.IsLittleEndian ? packed[token] : BinaryPrimitives.ReverseEndianness(packed[token]);
            ids[token] = TokenCacheFormat.Id(value);
            labels[token] = TokenCacheFormat.CarriesLoss(value) ? ids[token] : TokenizedRow.Ignored;
        }
        return new TokenizedRow(ids, labels);
    }

    public void Dispose() => _tokens.Dispose();
}
