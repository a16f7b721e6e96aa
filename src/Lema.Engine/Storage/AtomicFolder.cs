using Lema.Engine.Errors;

namespace Lema.Engine.Storage;

/// <summary>
/// Makes a folder that is either whole or absent, whatever happens while it is made: it is written beside its place under a temporary name, synced file by
/// file, and renamed.
/// </summary>
public static class AtomicFolder
{
    private const string TemporaryMark = ".partial-";

    /// <summary>
    /// Creates <paramref name="folder"/> with what <paramref name="write"/> puts into the temporary folder it is given. When anything throws, the temporary
    /// folder is removed and <paramref name="folder"/> does not exist.
    /// </summary>
    /// <exception cref="InvalidInputException">The folder exists and is not empty.</exception>
    /// <exception cref="StorageException">The disk is full, or the operating system refused a write.</exception>
    public static void Create(string folder, Action<string> write, IFileLayer? files = null)
    {
        files ??= FileLayer.Instance;
        folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        string temporary = TemporaryPath(folder);
        RequireFree(folder);
        try
        {
            string parent = Path.GetDirectoryName(folder)!;
            files.CreateFolder(parent);
            RemoveTemporary(temporary, files);
            files.CreateFolder(temporary);
            write(temporary);
            SyncTree(temporary, files);
            // Somebody may have put something there meanwhile.
            RequireFree(folder);
            if (Directory.Exists(folder)) files.DeleteFolder(folder);
            files.RenameFolder(temporary, folder);
            files.SyncFolder(parent);
        }
        catch (Exception fault)
        {
            TryRemove(temporary, files);
            if (fault is IOException or UnauthorizedAccessException) throw StorageFault.From(folder, fault);
            throw;
        }
    }

    /// <summary>Fsyncs every file below the folder, then the folders from the inside out.</summary>
    public static void SyncTree(string folder, IFileLayer files)
    {
        foreach (string path in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal)) files.SyncFile(path);
        foreach (string inner in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal)) SyncTree(inner, files);
        files.SyncFolder(folder);
    }

    /// <summary>Removes what an interrupted <see cref="Create"/> left in the folder's parent. Call it when nobody else can be writing there.</summary>
    public static void RemoveLeftovers(string parent, IFileLayer? files = null)
    {
        if (!Directory.Exists(parent)) return;
        foreach (string path in Directory.EnumerateDirectories(parent, TemporaryMark + "*").ToList()) (files ?? FileLayer.Instance).DeleteFolder(path);
    }

    /// <summary>Removes what an interrupted <see cref="Create"/> of this one folder left.</summary>
    public static void RemoveLeftoverOf(string folder) => RemoveTemporary(TemporaryPath(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))), FileLayer.Instance);

    private static string TemporaryPath(string folder) => Path.Combine(Path.GetDirectoryName(folder)!, TemporaryMark + Path.GetFileName(folder));

    private static void RequireFree(string folder)
    {
        if (File.Exists(folder) || (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()))
            throw new InvalidInputException(folder, "", "exists already; choose another folder or remove it first");
    }

    private static void RemoveTemporary(string temporary, IFileLayer files)
    {
        if (Directory.Exists(temporary)) files.DeleteFolder(temporary);
    }

    /// <summary>Removal after a failure must not hide the failure; what stays is removed by the next start.</summary>
    private static void TryRemove(string temporary, IFileLayer files)
    {
        try
        {
            RemoveTemporary(temporary, files);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }
}
