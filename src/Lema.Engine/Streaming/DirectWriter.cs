using System.Runtime.InteropServices;
using Lema.Engine.Errors;
using Lema.Engine.Storage;
using Microsoft.Win32.SafeHandles;

namespace Lema.Engine.Streaming;

/// <summary>
/// Writes past the page cache (O_DIRECT), so that what is written neither takes memory nor waits for a flush of everything at the end. Where the file
/// system has no O_DIRECT it writes through the cache.
/// </summary>
internal sealed partial class DirectWriter : IDisposable
{
    private const int OpenReadWrite = 2;
    private const int OpenCreate = 0x40;
    private const int OpenTruncate = 0x200;
    private const int OwnerMode = 0x1A4;

    private readonly string _path;
    private readonly SafeFileHandle _handle;

    private DirectWriter(string path, SafeFileHandle handle)
    {
        _path = path;
        _handle = handle;
    }

    /// <summary>Creates the file, or empties it.</summary>
    /// <exception cref="StorageException">The operating system refused.</exception>
    public static DirectWriter Create(string path)
    {
        try
        {
            if (OperatingSystem.IsLinux() && DirectFile.OpenFlag is var flag and not 0)
            {
                int descriptor = Open(path, OpenReadWrite | OpenCreate | OpenTruncate | DirectFile.OpenCloseOnExec | flag, OwnerMode);
                if (descriptor >= 0) return new DirectWriter(path, new SafeFileHandle(descriptor, ownsHandle: true));
            }
            return new DirectWriter(path, File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageFault.From(path, error);
        }
    }

    /// <param name="bytes">At an aligned address; length and offset are multiples of the page size.</param>
    /// <exception cref="StorageException">The disk is full or refuses.</exception>
    public void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            RandomAccess.Write(_handle, bytes, offset);
        }
        catch (IOException error)
        {
            throw StorageFault.From(_path, error);
        }
    }

    /// <summary>Reads back what was written.</summary>
    public void Read(Span<byte> target, long offset)
    {
        while (target.Length > 0)
        {
            int read = RandomAccess.Read(_handle, target, offset);
            if (read == 0) throw new StorageException(_path, offset, "the file ends here; it was truncated while it was in use");
            target = target[read..];
            offset += read;
        }
    }

    /// <summary>Cuts the file to its length and flushes it to the disk.</summary>
    public void Complete(long length)
    {
        try
        {
            RandomAccess.SetLength(_handle, length);
            RandomAccess.FlushToDisk(_handle);
        }
        catch (IOException error)
        {
            throw StorageFault.From(_path, error);
        }
    }

    public void Dispose() => _handle.Dispose();

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);
}
