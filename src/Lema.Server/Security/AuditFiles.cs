using System.Globalization;

namespace Lema.Server.Security;

/// <summary>
/// The files of the audit log: the one that is written, and some before it, which have numbers that grow (<c>audit.jsonl.7</c> is followed by <c>.8</c>) and never change:
/// a kill at any point leaves every line in one of them.
/// </summary>
/// <param name="file">The one that is written.</param>
internal sealed class AuditFiles(string file, long mostBytes = AuditFiles.DefaultMostBytes, int kept = AuditFiles.DefaultKept)
{
    /// <summary>Some 80,000 lines.</summary>
    public const long DefaultMostBytes = 16 << 20;

    public const int DefaultKept = 15;

    /// <summary>Length at which a file is put aside.</summary>
    public long MostBytes => mostBytes;

    /// <summary>The file that is written; made when there is none. Without a buffer, so that nothing of a line is left to be written later by itself.</summary>
    public FileStream Open()
    {
        FileStreamOptions options = new() { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.Read, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(file, options);
    }

    /// <summary>Gives the file that was written the next number, and removes the oldest beyond those that are kept.</summary>
    public void PutAside()
    {
        (long Number, string Path)[] aside = [.. Aside(file)];
        // First, and never onto another: what is there stays whole.
        File.Move(file, $"{file}.{(aside.Length > 0 ? aside[^1].Number : 0) + 1}", overwrite: false);
        foreach ((long _, string path) in aside.SkipLast(kept - 1)) File.Delete(path);
    }

    /// <summary>The files before the one that is written, oldest first.</summary>
    public static IEnumerable<(long Number, string Path)> Aside(string file) => Directory.EnumerateFiles(Path.GetDirectoryName(file)!)
        .Where(path => path.StartsWith(file + ".", StringComparison.Ordinal)).Select(path => (Number: NumberOf(path[(file.Length + 1)..]), Path: path)).Where(item => item.Number > 0).OrderBy(item => item.Number);

    private static long NumberOf(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : 0;
}
