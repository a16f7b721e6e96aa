using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lema.Engine.Storage;

/// <summary>The operating system's own files.</summary>
public sealed partial class FileLayer : IFileLayer
{
    private const int OpenReadOnly = 0;

    private FileLayer() { }

    public static FileLayer Instance { get; } = new();

    public void CreateFolder(string folder) => Directory.CreateDirectory(folder);

    public void WriteFile(string path, ReadOnlySpan<byte> content) => File.WriteAllBytes(path, content);

    public void SyncFile(string path)
    {
        using SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        RandomAccess.FlushToDisk(handle);
    }

    /// <summary>.NET opens no folders, so fsync is reached through libc. Windows has no such call and orders its metadata by a journal.</summary>
    public void SyncFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        int descriptor = Open(folder, OpenReadOnly);
        if (descriptor < 0) throw Failure(folder);
        using SafeFileHandle handle = new(descriptor, ownsHandle: true);
        if (Sync(descriptor) != 0) throw Failure(folder);
    }

    public void RenameFolder(string from, string to) => Directory.Move(from, to);

    public void RenameFile(string from, string to) => File.Move(from, to, overwrite: true);

    public void DeleteFolder(string folder) => Directory.Delete(folder, recursive: true);

    public void DeleteFile(string path) => File.Delete(path);

    private static IOException Failure(string path)
    {
        int error = Marshal.GetLastPInvokeError();
        return new IOException($"{path}: {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int descriptor);
}
