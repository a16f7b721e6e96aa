using Lema.Engine.Errors;
using Lema.Engine.Weights;

namespace Lema.Engine.Streaming;

/// <summary>The open files of a model, and what they were when each was opened. Safe from several threads.</summary>
internal sealed class ModelFiles : IDisposable
{
    private readonly Dictionary<string, (PositionalFile File, FileIdentity Identity)> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DirectFile?> _direct = new(StringComparer.Ordinal);

    /// <exception cref="StorageException">The file could not be opened.</exception>
    public PositionalFile this[string path]
    {
        get
        {
            lock (_files)
            {
                if (!_files.TryGetValue(path, out var known)) _files.Add(path, known = (PositionalFile.Open(path), FileIdentity.Of(path)));
                return known.File;
            }
        }
    }

    /// <summary>The same file past the page cache; null where that is not possible.</summary>
    public DirectFile? Direct(string path)
    {
        lock (_files)
        {
            if (!_direct.TryGetValue(path, out DirectFile? known)) _direct.Add(path, known = DirectFile.TryOpen(path));
            return known;
        }
    }

    /// <summary>A weight that changed under a run would make it neither resumable nor explainable.</summary>
    /// <exception cref="StorageException">A file is not the one that was opened, or was written to since.</exception>
    public void VerifyUnchanged(IEnumerable<string> paths)
    {
        foreach (string path in paths)
        {
            (PositionalFile File, FileIdentity Identity) opened;
            lock (_files)
            {
                // What was never opened was not used.
                if (!_files.TryGetValue(path, out opened)) continue;
            }
            if (FileIdentity.Of(path) != opened.Identity)
                throw new StorageException(path, 0, "the file was replaced or written to while a run was using it; start the run again");
        }
    }

    public void Dispose()
    {
        lock (_files)
        {
            foreach ((PositionalFile file, _) in _files.Values) file.Dispose();
            foreach (DirectFile? file in _direct.Values) file?.Dispose();
        }
    }
}
