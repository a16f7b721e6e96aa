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
    /// <param name="reserveBytes">Bytes that will be written: their place on the disk is taken at once, so that writes do not wait for each other to extend the file.</param>
    /// <exception cref="StorageException">The disk is full, or the operating system refused.</exception>
    public static DirectWriter Create(string path, long reserveBytes = 0)
    {
        try
        {
            SafeFileHandle handle = TryOpenDirect(path) ?? File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite);
            try
            {
                if (reserveBytes > 0) Reserve(path, handle, reserveBytes);
            }
            catch
            {
                handle.Dispose();
                throw;
            }
            return new DirectWriter(path, handle);
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

    private static SafeFileHandle? TryOpenDirect(string path)
    {
        if (!OperatingSystem.IsLinux() || DirectFile.OpenFlag == 0) return null;
        int descriptor = Open(path, OpenReadWrite | OpenCreate | OpenTruncate | DirectFile.OpenCloseOnExec | DirectFile.OpenFlag, OwnerMode);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>File systems that cannot reserve are left alone; one that is full is known before anything is written.</summary>
    private static void Reserve(string path, SafeFileHandle handle, long bytes)
    {
        if (!OperatingSystem.IsLinux() || Allocate(handle, 0, 0, bytes) == 0) return;
        IOException fault = new($"{path}: {Marshal.GetLastPInvokeErrorMessage()}", Marshal.GetLastPInvokeError());
        if (StorageFault.IsDiskFull(fault)) throw fault;
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Allocate(SafeFileHandle handle, int mode, long offset, long length);
}
