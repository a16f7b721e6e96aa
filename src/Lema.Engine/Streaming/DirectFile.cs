using System.Runtime.InteropServices;
using Lema.Engine.Errors;
using Microsoft.Win32.SafeHandles;

namespace Lema.Engine.Streaming;

/// <summary>
/// Reads past the page cache (O_DIRECT): the disk writes straight into the target, and no second copy of the weights takes memory. Address, offset
/// and length of every call are multiples of <see cref="HostBuffer.Alignment"/>.
/// </summary>
internal sealed partial class DirectFile : IDisposable
{
    private const int OpenReadOnly = 0;
    public const int OpenCloseOnExec = 0x80000;
    private const int OpenDirectX64 = 0x4000;
    private const int OpenDirectArm64 = 0x10000;

    /// <summary>O_DIRECT, which differs between processors; 0 where it is not known.</summary>
    public static readonly int OpenFlag = RuntimeInformation.ProcessArchitecture switch { Architecture.X64 => OpenDirectX64, Architecture.Arm64 => OpenDirectArm64, _ => 0 };

    private readonly SafeFileHandle _handle;

    private DirectFile(string path, SafeFileHandle handle)
    {
        Path = path;
        _handle = handle;
    }

    public string Path { get; }

    /// <summary>Null where the system or the file system has no O_DIRECT.</summary>
    public static DirectFile? TryOpen(string path)
    {
        if (!OperatingSystem.IsLinux() || OpenFlag == 0) return null;
        int descriptor = Open(path, OpenReadOnly | OpenCloseOnExec | OpenFlag);
        return descriptor < 0 ? null : new DirectFile(path, new SafeFileHandle(descriptor, ownsHandle: true));
    }

    /// <summary>Reads at least <paramref name="needed"/> bytes; the rest of the target, which reaches to a page border, may lie past the end of the file.</summary>
    /// <exception cref="StorageException">The operating system refused, or the file ends within the needed bytes.</exception>
    public void Fill(Span<byte> target, long offset, int needed)
    {
        for (int done = 0; done < needed;)
        {
            int read = ReadSome(target[done..], offset + done);
            done += read;
            // Only the end of the file stops a direct read within a page.
            if (done < needed && (read == 0 || read % HostBuffer.Alignment != 0))
                throw new StorageException(Path, offset + done, $"the file ends here, {needed - done} bytes early; it was truncated or replaced");
        }
    }

    public void Dispose() => _handle.Dispose();

    private int ReadSome(Span<byte> target, long offset)
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

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
