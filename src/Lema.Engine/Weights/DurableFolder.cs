using System.Runtime.InteropServices;
using Lema.Engine.Errors;

namespace Lema.Engine.Weights;

/// <summary>Folders that appear whole or not at all, also when the machine loses power.</summary>
internal static partial class DurableFolder
{
    private const int OpenReadOnly = 0;
    private const int OpenCloseOnExec = 0x80000;

    /// <summary>Flushes a folder and its files, gives it its final name and flushes that.</summary>
    /// <exception cref="StorageException">The final name is taken or the disk refuses.</exception>
    public static void Commit(string temporary, string final)
    {
        foreach (string file in Directory.EnumerateFiles(temporary)) FlushFile(file);
        Flush(temporary);
        try
        {
            Directory.Move(temporary, final);
        }
        catch (IOException error)
        {
            throw new StorageException(final, 0, error.Message, error);
        }
        Flush(Path.GetDirectoryName(Path.GetFullPath(final))!);
    }

    /// <summary>Makes the names in a folder durable. Does nothing on systems that do it by themselves.</summary>
    public static void Flush(string folder)
    {
        if (!OperatingSystem.IsLinux()) return;
        int descriptor = Open(folder, OpenReadOnly | OpenCloseOnExec);
        if (descriptor < 0) throw new StorageException(folder, 0, Marshal.GetLastPInvokeErrorMessage());
        using Microsoft.Win32.SafeHandles.SafeFileHandle handle = new(descriptor, ownsHandle: true);
        if (Fsync(descriptor) != 0) throw new StorageException(folder, 0, Marshal.GetLastPInvokeErrorMessage());
    }

    private static void FlushFile(string file)
    {
        try
        {
            using FileStream stream = new(file, FileMode.Open, FileAccess.ReadWrite);
            stream.Flush(flushToDisk: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(file, 0, error.Message, error);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);
}
