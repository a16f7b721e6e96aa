using Lema.Engine.Errors;

namespace Lema.Server.Storage;

/// <summary>
/// The folder that holds everything a daemon keeps. One daemon at a time: the lock is held from opening to disposal, and by the system's doing not longer
/// than the process lives.
/// </summary>
public sealed class DataFolder : IDisposable
{
    public const string DatabaseName = "lema.db", AdminTokenName = "admin.token", AuditLogName = "audit.jsonl";

    private const string LockName = "lock";

    private readonly FileStream? _lock;

    private DataFolder(string root, FileStream? heldLock)
    {
        Root = root;
        _lock = heldLock;
    }

    public string Root { get; }

    public string Database => Path.Combine(Root, DatabaseName);

    public string AdminToken => Path.Combine(Root, AdminTokenName);

    public string AuditLog => Path.Combine(Root, AuditLogName);

    public string Models => Path.Combine(Root, "models");

    /// <summary>Layer-ordered copies of models, a folder each by the model's name.</summary>
    public string Prepared => Path.Combine(Root, "prepared");

    public string Datasets => Path.Combine(Root, "datasets");

    public string Adapters => Path.Combine(Root, "adapters");

    public string Runs => Path.Combine(Root, "runs");

    public string Uploads => Path.Combine(Root, "uploads");

    /// <summary>Process ids and sockets of engine workers; nothing in it outlives the daemon.</summary>
    public string Workers => Path.Combine(Root, "workers");

    /// <summary>What can be made again; may be removed while the daemon is down.</summary>
    public string Cache => Path.Combine(Root, "cache");

    /// <summary>See <see cref="DiskReserve"/>.</summary>
    public string Reserve => Path.Combine(Root, "reserve");

    public string Tls => Path.Combine(Root, "tls");

    public string RunFolder(string runId) => Path.Combine(Runs, runId);

    /// <exception cref="InvalidInputException">The folder cannot be made, or another daemon has it.</exception>
    public static DataFolder Open(string path) => Use(Path.GetFullPath(path), root =>
    {
        if (!Directory.Exists(root)) Folders.CreatePrivate(root);
        FileStream heldLock = new(Path.Combine(root, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        DataFolder folder = new(root, heldLock);
        foreach (string part in (string[])[folder.Models, folder.Prepared, folder.Datasets, folder.Adapters, folder.Runs, folder.Uploads, folder.Workers, folder.Cache])
            Folders.CreatePrivate(part);
        return folder;
    });

    /// <summary>Makes nothing: the folder may not be there yet. Where there is a lock it is held, so that no daemon starts meanwhile.</summary>
    /// <exception cref="InvalidInputException">The folder could not be made or written to, or a daemon has it.</exception>
    public static DataFolder Look(string path) => Use(Path.GetFullPath(path), root =>
    {
        string there = root;
        while (!Path.Exists(there) && Path.GetDirectoryName(there) is { } above) there = above;
        if (!Directory.Exists(there)) throw new UnauthorizedAccessException($"'{there}' is no folder.");
        if (!Folders.IsWritable(there)) throw new UnauthorizedAccessException($"'{there}' may not be written to.");
        string lockFile = Path.Combine(root, LockName);
        return new DataFolder(root, File.Exists(lockFile) ? new FileStream(lockFile, FileMode.Open, FileAccess.Read, FileShare.None) : null);
    });

    private static DataFolder Use(string root, Func<string, DataFolder> use)
    {
        try
        {
            return use(root);
        }
        catch (IOException error) when (Directory.Exists(root) && error is not DirectoryNotFoundException)
        {
            throw new InvalidInputException("--data", root, $"another daemon is using this folder, or it cannot be locked ({error.Message}). Stop that daemon or name another folder.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException("--data", root, $"the folder cannot be used: {error.Message}", error);
        }
    }

    public void Dispose() => _lock?.Dispose();
}
