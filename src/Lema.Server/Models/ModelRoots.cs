using Lema.Engine.Errors;

namespace Lema.Server.Models;

/// <summary>The folders of this machine that models may be added from, as the operator named them.</summary>
internal sealed class ModelRoots(IReadOnlyList<string> roots)
{
    /// <summary>The real path of a folder inside a root, with every link followed.</summary>
    /// <exception cref="InvalidInputException">There are no roots, the folder is outside of them, or a link leads out.</exception>
    /// <exception cref="NotFoundException">There is no such folder.</exception>
    public string Resolve(string folder)
    {
        if (roots.Count == 0)
            throw new InvalidInputException("request", "folder", "this daemon has no model root. Start lema-server with --model-root DIR, or upload the model.");
        if (folder.Length == 0 || folder.Contains('\0')) throw new InvalidInputException("request", "folder", "is empty or holds a NUL.");
        foreach (string root in roots)
        {
            string candidate = Path.GetFullPath(folder, root);
            if (!Directory.Exists(candidate)) continue;
            string real = RealPath(candidate), realRoot = RealPath(root);
            if (real == realRoot || real.StartsWith(Path.TrimEndingDirectorySeparator(realRoot) + Path.DirectorySeparatorChar, StringComparison.Ordinal)) return real;
        }
        if (Path.IsPathRooted(folder) && !roots.Any(root => IsBelow(folder, root)))
            throw new InvalidInputException("request", "folder", $"'{folder}' is in no model root of this daemon. Roots: {string.Join(", ", roots)}.");
        throw new NotFoundException("folder", folder, "Give a path inside a model root, not through a link that leads out of it.");
    }

    private static bool IsBelow(string folder, string root) =>
        (Path.GetFullPath(folder) + Path.DirectorySeparatorChar).StartsWith(Path.TrimEndingDirectorySeparator(Path.GetFullPath(root)) + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    /// <summary>Follows links of the folder and of everything above it.</summary>
    private static string RealPath(string path)
    {
        string real = Path.GetPathRoot(path)!;
        foreach (string part in path[real.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            DirectoryInfo next = new(Path.Combine(real, part));
            real = next.LinkTarget is { } target ? RealPath(Path.GetFullPath(target, real)) : next.FullName;
        }
        return real;
    }
}
