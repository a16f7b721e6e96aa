using Lema.Engine.Errors;
using Microsoft.Win32.SafeHandles;

namespace Lema.Engine.Weights;

/// <summary>Positional reads of a file through the page cache, safe from several threads. A short read is continued; the end of the file is an error.</summary>
internal class PositionalFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    protected PositionalFile(string path, SafeFileHandle handle)
    {
        Path = path;
        _handle = handle;
    }

    public string Path { get; }

    /// <exception cref="StorageException">The file could not be opened.</exception>
    public static PositionalFile Open(string path)
    {
        try
        {
            return new PositionalFile(path, File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(path, 0, error.Message, error);
        }
    }

    /// <summary>Reads until the target is full.</summary>
    /// <exception cref="StorageException">The operating system refused, or the file ends before the target is full.</exception>
    public void Fill(Span<byte> target, long offset)
    {
        while (target.Length > 0)
        {
            int read = ReadSome(target, offset);
            if (read == 0) throw new StorageException(Path, offset, $"the file ends here, {target.Length} bytes early; it was truncated or replaced");
            target = target[read..];
            offset += read;
        }
    }

    /// <summary>One read: at least one byte, or 0 at the end of the file.</summary>
    protected virtual int ReadSome(Span<byte> target, long offset)
    {
        try
        {
            return RandomAccess.Read(_handle, target, offset);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(Path, offset, error.Message, error);
        }
    }

    public virtual void Dispose()
    {
        _handle.Dispose();
        GC.SuppressFinalize(this);
    }
}
