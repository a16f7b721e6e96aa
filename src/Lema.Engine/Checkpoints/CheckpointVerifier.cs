using System.Security.Cryptography;

namespace Lema.Engine.Checkpoints;

/// <summary>Compares a checkpoint's files with its manifest.</summary>
public static class CheckpointVerifier
{
    /// <summary>The manifest of a whole checkpoint, or what is wrong with it.</summary>
    public static (CheckpointManifest? Manifest, CheckpointFault? Fault) Verify(string folder)
    {
        CheckpointManifest? manifest = ReadManifest(folder);
        if (manifest is null) return (null, new CheckpointFault(folder, CheckpointManifest.FileName, "is missing or damaged"));
        foreach (CheckpointFile expected in manifest.Files)
        {
            if (Check(folder, expected) is { } problem) return (manifest, new CheckpointFault(folder, expected.Path, problem));
        }
        return (manifest, null);
    }

    /// <summary>The manifest alone, without looking at the files it lists; null when it is missing or damaged.</summary>
    public static CheckpointManifest? ReadManifest(string folder)
    {
        string path = Path.Combine(folder, CheckpointManifest.FileName);
        return File.Exists(path) ? CheckpointManifest.Decode(File.ReadAllBytes(path)) : null;
    }

    internal static CheckpointFile Describe(string folder, string path)
    {
        using FileStream stream = File.OpenRead(path);
        return new CheckpointFile(Path.GetRelativePath(folder, path).Replace('\\', '/'), stream.Length, Convert.ToHexStringLower(SHA256.HashData(stream)));
    }

    private static string? Check(string folder, CheckpointFile expected)
    {
        string path = Path.GetFullPath(Path.Combine(folder, expected.Path));
        if (!path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal)) return "lies outside the checkpoint";
        if (!File.Exists(path)) return "is missing";
        CheckpointFile actual = Describe(folder, path);
        if (actual.Size != expected.Size) return $"has {actual.Size} bytes, {expected.Size} were written";
        return actual.Sha256 == expected.Sha256 ? null : "its content changed since it was written (SHA-256 differs)";
    }
}
