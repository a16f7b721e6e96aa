using Lema.Engine.Storage;

namespace Lema.Testing;

/// <summary>The process died here: neither handlers nor clean-up may touch the disk any more.</summary>
public sealed class KilledException(string point) : Exception($"killed {point}");

/// <summary>
/// The real file layer, which dies or fails at a chosen operation. Operations are named and numbered as they come. When it dies, every later operation dies too,
/// and files that were never synced lose their content, as after a power cut.
/// </summary>
public sealed class FaultyFileLayer(string root) : IFileLayer
{
    private readonly HashSet<string> _synced = [.. Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)];
    private bool _isDead;

    /// <summary>Operations so far, such as <c>rename .partial-checkpoint-3</c>.</summary>
    public List<string> Operations { get; } = [];

    /// <summary>Dies before the operation of this number, from 0.</summary>
    public int? KillBefore { get; init; }

    /// <summary>Dies right after the operation of this number.</summary>
    public int? KillAfter { get; init; }

    /// <summary>The operation of this number fails once, as on a full disk, and does nothing.</summary>
    public int? DiskFullAt { get; init; }

    public void CreateFolder(string folder) => Perform("create", folder, () => FileLayer.Instance.CreateFolder(folder));

    public void WriteFile(string path, ReadOnlySpan<byte> content)
    {
        byte[] copy = content.ToArray();
        Perform("write", path, () => FileLayer.Instance.WriteFile(path, copy));
    }

    public void SyncFile(string path) => Perform("sync", path, () =>
    {
        FileLayer.Instance.SyncFile(path);
        _synced.Add(path);
    });

    public void SyncFolder(string folder) => Perform("sync folder", folder, () => FileLayer.Instance.SyncFolder(folder));

    public void RenameFolder(string from, string to) => Perform("rename", from, () =>
    {
        FileLayer.Instance.RenameFolder(from, to);
        foreach (string path in _synced.Where(path => path.StartsWith(from + "/", StringComparison.Ordinal)).ToList()) _synced.Add(to + path[from.Length..]);
    });

    public void RenameFile(string from, string to) => Perform("rename", from, () =>
    {
        FileLayer.Instance.RenameFile(from, to);
        if (_synced.Remove(from)) _synced.Add(to);
        else _synced.Remove(to);
    });

    public void DeleteFolder(string folder) => Perform("delete", folder, () => FileLayer.Instance.DeleteFolder(folder));

    public void DeleteFile(string path) => Perform("delete", path, () => FileLayer.Instance.DeleteFile(path));

    /// <summary>Dies now, in the middle of the caller's own work.</summary>
    public void Kill(string point)
    {
        _isDead = true;
        foreach (string path in Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Where(path => !_synced.Contains(path))) File.WriteAllBytes(path, []);
        throw new KilledException(point);
    }

    private void Perform(string verb, string path, Action action)
    {
        if (_isDead) throw new KilledException("before");
        int number = Operations.Count;
        Operations.Add($"{verb} {Path.GetFileName(path)}");
        if (number == KillBefore) Kill($"before {Operations[number]}");
        if (number == DiskFullAt) throw new IOException("No space left on device", 28);
        action();
        if (number == KillAfter) Kill($"after {Operations[number]}");
    }
}
