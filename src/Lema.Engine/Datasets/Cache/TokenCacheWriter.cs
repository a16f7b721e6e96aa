using System.Buffers.Binary;

namespace Lema.Engine.Datasets.Cache;

/// <summary>Writes a cache into a temporary folder beside its place; <see cref="Commit"/> moves it there.</summary>
internal sealed class TokenCacheWriter : IDisposable
{
    private readonly string _folder;
    private readonly string _temporary;
    private readonly FileStream _tokens;
    private readonly List<int> _lengths = [];
    private long _written;
    private byte[] _buffer = new byte[1 << 16];

    public TokenCacheWriter(string folder)
    {
        _folder = folder;
        _temporary = $"{folder}.{Guid.NewGuid():N}.tmp";
        Directory.CreateDirectory(_temporary);
        _tokens = new FileStream(Path.Combine(_temporary, TokenCacheFormat.Tokens), FileMode.CreateNew, FileAccess.Write, FileShare.Read, 1 << 20);
    }

    public int RowCount => _lengths.Count;

    /// <summary>The file that the rows are in before the cache is committed.</summary>
    public string TokensFile => _tokens.Name;

    /// <summary>Appends a row and returns its place in the file.</summary>
    public long Add(TokenizedRow row)
    {
        long offset = _written;
        int bytes = row.Length * sizeof(int);
        if (_buffer.Length < bytes) _buffer = new byte[bytes];
        for (int token = 0; token < row.Length; token++) BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(token * sizeof(int)), TokenCacheFormat.Pack(row.Ids[token], row.Labels[token]));
        _tokens.Write(_buffer, 0, bytes);
        _lengths.Add(row.Length);
        _written += bytes;
        return offset;
    }

    /// <summary>Lets readers of the file see what was added.</summary>
    public void Flush() => _tokens.Flush();

    /// <summary>Makes the cache durable and puts it in its place; another process may have been faster, which is as good.</summary>
    public void Commit()
    {
        _tokens.Flush(flushToDisk: true);
        _tokens.Dispose();
        using (FileStream index = new(Path.Combine(_temporary, TokenCacheFormat.Index), FileMode.CreateNew))
        {
            byte[] bytes = new byte[_lengths.Count * sizeof(int)];
            for (int row = 0; row < _lengths.Count; row++) BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(row * sizeof(int)), _lengths[row]);
            index.Write(bytes);
            index.Flush(flushToDisk: true);
        }
        if (Directory.Exists(_folder)) return;
        try
        {
            Directory.Move(_temporary, _folder);
        }
        catch (IOException) when (Directory.Exists(_folder))
        {
        }
    }

    public void Dispose()
    {
        _tokens.Dispose();
        if (Directory.Exists(_temporary)) Directory.Delete(_temporary, recursive: true);
    }
}
