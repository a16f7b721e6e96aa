using System.Runtime.InteropServices;
using Lema.Engine.Errors;

namespace Lema.Engine.Streaming;

/// <summary>Tells a file from another one put in its place, and from itself after a write.</summary>
internal readonly partial record struct FileIdentity(ulong Inode, long Bytes, DateTime WrittenUtc)
{
    private const int CurrentDirectory = -100;
    private const uint InodeMask = 0x100;
    private const int StatxBytes = 256;
    private const int InodeOffset = 32;

    /// <exception cref="StorageException">The file is gone or cannot be looked at.</exception>
    public static FileIdentity Of(string path)
    {
        FileInfo info = new(path);
        if (!info.Exists) throw new StorageException(path, 0, "the file is gone");
        return new FileIdentity(OperatingSystem.IsLinux() ? InodeOf(path) : 0, info.Length, info.LastWriteTimeUtc);
    }

    private static unsafe ulong InodeOf(string path)
    {
        byte* buffer = stackalloc byte[StatxBytes];
        if (Statx(CurrentDirectory, path, 0, InodeMask, buffer) != 0)
            throw new StorageException(path, 0, $"statx: {Marshal.GetLastPInvokeErrorMessage()}");
        return *(ulong*)(buffer + InodeOffset);
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Statx(int directory, string path, int flags, uint mask, byte* buffer);
}
