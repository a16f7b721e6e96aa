using System.Runtime.InteropServices;
using Lema.Engine.Storage;

namespace Lema.Server.Storage;

/// <summary>Small things done to folders of the data folder.</summary>
internal static partial class Folders
{
    private const UnixFileMode OwnersAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const int MayWrite = 2, MayEnter = 1;
    private const string ReplacedMark = ".replaced-", RemovedMark = ".removed-";

    /// <summary>A folder that its owner alone can enter.</summary>
    public static void CreatePrivate(string folder)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, OwnersAlone);
    }

    /// <summary>From now on its owner alone can enter it.</summary>
    public static void MakePrivate(string folder)
    {
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(folder, OwnersAlone);
    }

    /// <summary>Whether this user may make files in it, as the system says.</summary>
    public static bool IsWritable(string folder) => OperatingSystem.IsWindows() || Access(folder, MayWrite | MayEnter) == 0;

    /// <summary>Out of sight first: a kill in between leaves nothing half-deleted under its name, and the next start removes what is left.</summary>
    public static void DeleteIfThere(string folder, IFileLayer? files = null)
    {
        files ??= FileLayer.Instance;
        if (!Directory.Exists(folder)) return;
        string hidden = Path.Combine(Path.GetDirectoryName(folder)!, RemovedMark + Path.GetFileName(folder));
        if (Directory.Exists(hidden)) files.DeleteFolder(hidden);
        files.RenameFolder(folder, hidden);
        files.DeleteFolder(hidden);
    }

    /// <summary>
    /// Puts a folder in the place of another, or where there is none. A kill in between leaves the old one aside; <see cref="RecoverReplaced"/> puts it back.
    /// </summary>
    public static void Replace(string folder, string target, IFileLayer? files = null)
    {
        files ??= FileLayer.Instance;
        string parent = Path.GetDirectoryName(target)!, aside = Path.Combine(parent, ReplacedMark + Path.GetFileName(target));
        AtomicFolder.SyncTree(folder, files);
        DeleteIfThere(aside, files);
        if (Directory.Exists(target)) files.RenameFolder(target, aside);
        files.RenameFolder(folder, target);
        files.SyncFolder(parent);
        DeleteIfThere(aside, files);
    }

    /// <summary>Ends what an interrupted <see cref="Replace"/> began.</summary>
    public static void RecoverReplaced(string parent, IFileLayer files)
    {
        foreach (string aside in Directory.EnumerateDirectories(parent, ReplacedMark + "*").ToArray())
        {
            string target = Path.Combine(parent, Path.GetFileName(aside)[ReplacedMark.Length..]);
            if (Directory.Exists(target)) files.DeleteFolder(aside);
            else files.RenameFolder(aside, target);
        }
    }

    /// <summary>A file below a folder, by a path that came from a client.</summary>
    /// <returns>Null when the path leads out of the folder, is a link, or is no file.</returns>
    public static string? FindFile(string folder, string path)
    {
        if (!IsSafeRelative(path)) return null;
        string current = Path.GetFullPath(folder);
        string[] parts = path.Split('/');
        for (int i = 0; i < parts.Length; i++)
        {
            current = Path.Combine(current, parts[i]);
            FileSystemInfo info = i < parts.Length - 1 ? new DirectoryInfo(current) : new FileInfo(current);
            if (!info.Exists || info.LinkTarget is not null) return null;
        }
        return current;
    }

    /// <summary>Relative, of named parts only: no "..", no ".", no NUL, no back-slash.</summary>
    public static bool IsSafeRelative(string path) =>
        path.Length is > 0 and <= 1_024 && !path.Contains('\0') && !path.Contains('\\') && path.Split('/').All(part => part.Length is > 0 and <= 255 && part is not ("." or ".."));

    /// <summary>Files below a folder in the order of their paths, links left out.</summary>
    public static IEnumerable<(string Path, FileInfo File)> Files(string folder) => new DirectoryInfo(folder)
        .EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint })
        .Select(file => (Path.GetRelativePath(folder, file.FullName).Replace(Path.DirectorySeparatorChar, '/'), file))
        .OrderBy(item => item.Item1, StringComparer.Ordinal);

    [LibraryImport("libc", EntryPoint = "access", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(string path, int mode);
}
