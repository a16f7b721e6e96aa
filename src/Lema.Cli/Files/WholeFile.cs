using Lema.Cli.Errors;

namespace Lema.Cli.Files;

/// <summary>Writes a file whole or not at all: where the disk is full, what was there before stays, and nothing else does.</summary>
internal static class WholeFile
{
    /// <param name="path">Its folder is made where it is missing.</param>
    /// <param name="secret">Whether only the user may read it.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file cannot be written.</exception>
    public static void Write(string path, string text, bool secret = false)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        string temporary = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            FileStreamOptions options = new() { Mode = FileMode.Create, Access = FileAccess.Write };
            if (secret && !OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using (StreamWriter writer = new(temporary, options)) writer.Write(text);
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception failure)
        {
            if (File.Exists(temporary)) File.Delete(temporary);
            if (FullDisk.IsCauseOf(failure)) throw FullDisk.At(path);
            throw;
        }
    }
}
