namespace Lema.Server.Storage;

/// <summary>Small things done to folders of the data folder.</summary>
internal static class Folders
{
    /// <summary>A folder that its owner alone can enter.</summary>
    public static void CreatePrivate(string folder)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    public static void DeleteIfThere(string folder)
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
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
}
