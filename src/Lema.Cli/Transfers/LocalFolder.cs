using System.Buffers;
using System.Security.Cryptography;
using Lema.Cli.Errors;
using Lema.Protocol.V1;

namespace Lema.Cli.Transfers;

/// <summary>Files of this machine that go to a host.</summary>
internal static class LocalFolder
{
    private const int ReadSize = 1 << 20;

    /// <summary>Every file below a folder (hidden ones left out), or the one file, with sizes.</summary>
    /// <exception cref="CliException">There is nothing there.</exception>
    public static IReadOnlyList<(string FullName, FileEntry Entry)> Files(string path)
    {
        if (File.Exists(path)) return [(path, Entry(path, Path.GetFileName(path)))];
        if (!Directory.Exists(path)) throw new CliException(ExitCode.NotFound, $"There is no file or folder {path}.");
        (string, FileEntry)[] files =
        [
            .. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
                .Select(file => (FullName: file, Relative: Path.GetRelativePath(path, file).Replace(Path.DirectorySeparatorChar, '/')))
                .Where(file => !file.Relative.Split('/').Any(part => part.StartsWith('.')))
                .OrderBy(file => file.Relative, StringComparer.Ordinal)
                .Select(file => (file.FullName, Entry(file.FullName, file.Relative))),
        ];
        return files.Length > 0 ? files : throw new CliException(ExitCode.InvalidInput, $"{path} holds no file.");
    }

    /// <summary>SHA-256 of a file in lower-case hexadecimal.</summary>
    public static async Task<string> HashAsync(string path, Action<long> progress, CancellationToken cancellation)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
        try
        {
            await using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous | FileOptions.SequentialScan);
            for (int read = await stream.ReadAsync(buffer, cancellation); read > 0; read = await stream.ReadAsync(buffer, cancellation))
            {
                hash.AppendData(buffer, 0, read);
                progress(read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static FileEntry Entry(string path, string relative) => new() { Path = relative, SizeBytes = new FileInfo(path).Length };
}
