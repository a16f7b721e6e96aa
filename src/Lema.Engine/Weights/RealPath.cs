namespace Lema.Engine.Weights;

/// <summary>A path with every symbolic link on it followed.</summary>
internal static class RealPath
{
    // As ELOOP of Linux.
    private const int MostLinks = 40;

    /// <param name="path">A full path of something that exists.</param>
    public static string Of(string path)
    {
        int links = 0;
        return Of(path, ref links);
    }

    /// <summary>Whether a path, all links followed, lies below a folder.</summary>
    public static bool IsInside(string folder, string path) => IsBelow(Of(folder), Of(path));

    /// <summary>The same by the text of two full paths alone.</summary>
    public static bool IsBelow(string folder, string path) => path.StartsWith(folder.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    private static string Of(string path, ref int links)
    {
        string real = Path.GetPathRoot(path)!;
        foreach (string part in path[real.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            string next = Path.Combine(real, part);
            FileSystemInfo info = Directory.Exists(next) ? new DirectoryInfo(next) : new FileInfo(next);
            if (info.LinkTarget is not { } target)
            {
                real = next;
                continue;
            }
            if (++links > MostLinks) throw new Errors.StorageException(path, 0, "too many symbolic links");
            real = Of(Path.GetFullPath(target, real), ref links);
        }
        return real;
    }
}
