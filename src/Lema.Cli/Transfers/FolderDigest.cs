using System.Security.Cryptography;
using System.Text;
using Lema.Protocol.V1;

namespace Lema.Cli.Transfers;

/// <summary>A short name for the content of a folder.</summary>
internal static class FolderDigest
{
    private const int Digits = 12;

    /// <summary>The first hexadecimal digits of a SHA-256 over names and contents.</summary>
    public static async Task<string> ComputeAsync(string folder, CancellationToken cancellation)
    {
        StringBuilder content = new();
        foreach ((string fullName, FileEntry entry) in LocalFolder.Files(folder))
        {
            content.Append(entry.Path).Append('\0').Append(await LocalFolder.HashAsync(fullName, _ => { }, cancellation)).Append('\n');
        }
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content.ToString())))[..Digits];
    }
}
