using System.Security.Cryptography;

namespace Lema.Testing;

/// <summary>SHA-256 as the protocol writes it: 64 lower-case hexadecimal digits.</summary>
public static class Sha256
{
    public static string Of(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content));

    public static string OfFile(string path) => Of(File.ReadAllBytes(path));
}
