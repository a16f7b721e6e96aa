using Lema.Cli.Errors;

namespace Lema.Cli.Files;

/// <summary>Writes a file that the user named, which may also be a pipe or a device. Half of a new file does not stay.</summary>
internal static class ResultFile
{
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file cannot be written.</exception>
    public static void Write(string path, string text) => Write(path, stream =>
    {
        using StreamWriter writer = new(stream);
        writer.Write(text);
    });

    /// <inheritdoc cref="Write(string, string)"/>
    public static void Write(string path, Action<Stream> write)
    {
        bool isNew = !File.Exists(path);
        try
        {
            using FileStream stream = new(path, FileMode.Create, FileAccess.Write);
            write(stream);
        }
        catch (Exception failure)
        {
            if (isNew && File.Exists(path)) File.Delete(path);
            if (FullDisk.IsCauseOf(failure)) throw FullDisk.At(path);
            throw;
        }
    }
}
