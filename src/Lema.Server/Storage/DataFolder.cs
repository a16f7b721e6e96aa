using Lema.Engine.Errors;

namespace Lema.Server.Storage;

/// <summary>
/// The folder that holds everything a daemon keeps. One daemon at a time: the lock is held from opening to disposal, and by the system's doing not longer
/// than the process lives.
/// </summary>
public sealed class DataFolder : IDisposable
{
    public const string DatabaseName = "lema.db";

    private readonly FileStream _lock;

    private DataFolder(string root, FileStream heldLock)
    {
        Root = root;
        _lock = heldLock;
    }

    public string Root { get; }

    public string Database => Path.Combine(Root, DatabaseName);

    public string AdminToken => Path.Combine(Root, "admin.token");

    public string AuditLog => Path.Combine(Root, "audit.jsonl");

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
    public static DataFolder Open(string path)
    {
        string root = Path.GetFullPath(path);
        try
        {
            if (!Directory.Exists(root)) Folders.CreatePrivate(root);
            FileStream heldLock = new(Path.Combine(root, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            DataFolder folder = new(root, heldLock);
            foreach (string part in (string[])[folder.Models, folder.Prepared, folder.Datasets, folder.Adapters, folder.Runs, folder.Uploads, folder.Workers, folder.Cache])
                Folders.CreatePrivate(part);
            return folder;
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

    public void Dispose() => _lock.Dispose();
}
