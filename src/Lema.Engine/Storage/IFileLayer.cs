namespace Lema.Engine.Storage;

/// <summary>
/// The steps of a commit that a crash can fall between: tests put a layer here that fails or dies before or after any of them. Everything else reads and
/// writes files directly.
/// </summary>
public interface IFileLayer
{
    void CreateFolder(string folder);

    /// <summary>Writes a whole new file; its bytes are durable only after <see cref="SyncFile"/>.</summary>
    void WriteFile(string path, ReadOnlySpan<byte> content);

    /// <summary>Makes a file's bytes durable (fsync).</summary>
    void SyncFile(string path);

    /// <summary>Makes a folder's entries durable: files created in it, renames into and out of it (fsync of the folder).</summary>
    void SyncFolder(string folder);

    /// <summary>Renames a folder within one file system; the target must not exist. Atomic.</summary>
    void RenameFolder(string from, string to);

    /// <summary>Renames a file within one file system, over what has that name. Atomic.</summary>
    void RenameFile(string from, string to);

    void DeleteFolder(string folder);

    void DeleteFile(string path);
}
