namespace Lema.Fuzz.Targets;

/// <summary>A folder in memory for parsers that read files.</summary>
internal sealed class TemporaryFiles : IDisposable
{
    private readonly string _folder = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"lema-fuzz-{Guid.NewGuid():N}");

    public TemporaryFiles() => Directory.CreateDirectory(_folder);

    public string Folder => _folder;

    public string Write(string name, byte[] content)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
