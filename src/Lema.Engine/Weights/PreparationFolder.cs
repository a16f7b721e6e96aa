using Lema.Engine.Errors;

namespace Lema.Engine.Weights;

/// <summary>A folder under construction: owned by one process, removed unless it is committed, and cleared when a killed process left it.</summary>
internal sealed class PreparationFolder : IDisposable
{
    private readonly string _path;
    private readonly FileStream _owner;
    private bool _committed;

    private PreparationFolder(string path, FileStream owner)
    {
        _path = path;
        _owner = owner;
    }

    /// <exception cref="InvalidInputException">Another process is at work on it.</exception>
    /// <exception cref="StorageException">The folder could not be made.</exception>
    public static PreparationFolder Create(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            FileStream owner = Own(path);
            if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
            Directory.CreateDirectory(path);
            return new PreparationFolder(path, owner);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(path, 0, error.Message, error);
        }
    }

    public void Commit(string final)
    {
        DurableFolder.Commit(_path, final);
        _committed = true;
    }

    public void Dispose()
    {
        if (!_committed) Directory.Delete(_path, recursive: true);
        File.Delete(_owner.Name);
        _owner.Dispose();
    }

    private static FileStream Own(string path)
    {
        try
        {
            return new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error) when (File.Exists(path + ".lock"))
        {
            throw new InvalidInputException(path, "", "another process is preparing this folder; wait for it", error);
        }
    }
}
