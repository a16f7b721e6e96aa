namespace Lema.Testing;

/// <summary>A folder of its own for one test, removed with it.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("lema-test-").FullName;

    /// <summary>Full path of an entry of the folder, by its relative path.</summary>
    public string File(string relativePath) => System.IO.Path.Combine(Path, relativePath);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
