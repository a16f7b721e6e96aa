namespace Lema.Protocol.Client;

/// <summary>A file that holds one token and nothing else.</summary>
public static class TokenFile
{
    private const int LargestSize = 4096;

    /// <exception cref="DaemonOptionsException">The file cannot be read or holds no token.</exception>
    public static string Read(string path)
    {
        try
        {
            if (new FileInfo(path).Length > LargestSize) throw new DaemonOptionsException($"{path}: this is no token file, it is too large.");
            string token = File.ReadAllText(path).Trim();
            if (token.Length == 0 || token.Any(c => c is < '!' or > '~'))
                throw new DaemonOptionsException($"{path}: holds no token. Copy the daemon's DATA/admin.token, or one made by `lema-server token add`.");
            return token;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DaemonOptionsException($"{path}: there is no such token file. Copy the daemon's DATA/admin.token there, or name another file.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DaemonOptionsException($"{path}: the token file cannot be read: {error.Message}", error);
        }
    }
}
