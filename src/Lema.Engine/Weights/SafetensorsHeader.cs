using System.Buffers.Binary;
using System.Security.Cryptography;
using Lema.Engine.Errors;

namespace Lema.Engine.Weights;

/// <summary>
/// The validated header of a .safetensors file: 8 bytes of little-endian length, that many bytes of JSON, then the data section, which the
/// tensors fill without hole or overlap (https://github.com/huggingface/safetensors, README, section "Format").
/// </summary>
public sealed class SafetensorsHeader
{
    private const int LengthBytes = 8;
    private const long LargestHeaderBytes = 100_000_000;

    private SafetensorsHeader(string file, long fileBytes, long dataOffset, byte[] json)
    {
        File = file;
        FileBytes = fileBytes;
        DataOffset = dataOffset;
        (Tensors, Metadata) = SafetensorsHeaderParser.Parse(file, json);
        SafetensorsLayout.Check(file, Tensors, fileBytes - dataOffset);
        Sha256 = Convert.ToHexStringLower(SHA256.HashData(json));
    }

    public string File { get; }

    public long FileBytes { get; }

    /// <summary>Where the data section starts in the file.</summary>
    public long DataOffset { get; }

    /// <summary>In the order of the header.</summary>
    public IReadOnlyList<SafetensorsTensor> Tensors { get; }

    /// <summary>The free text pairs under <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Hash of the header's JSON in lower-case hexadecimal: names, types, shapes and places, not the values.</summary>
    public string Sha256 { get; }

    /// <summary>Reads and checks the header of a file. The data section is not read.</summary>
    /// <exception cref="InvalidInputException">The file breaks a rule of the format; the message says which and where.</exception>
    /// <exception cref="StorageException">The file could not be read.</exception>
    public static SafetensorsHeader Read(string file)
    {
        try
        {
            using Microsoft.Win32.SafeHandles.SafeFileHandle handle = System.IO.File.OpenHandle(file);
            return Read(file, handle);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidInputException(file, "", "there is no such file", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(file, 0, error.Message, error);
        }
    }

    private static SafetensorsHeader Read(string file, Microsoft.Win32.SafeHandles.SafeFileHandle handle)
    {
        long fileBytes = RandomAccess.GetLength(handle);
        if (fileBytes < LengthBytes)
            throw new InvalidInputException(file, "byte 0", $"has {fileBytes} bytes; a .safetensors file starts with 8 bytes of header length. Download it again.");
        Span<byte> prefix = stackalloc byte[LengthBytes];
        Fill(file, handle, prefix, 0);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length == 0) throw new InvalidInputException(file, "byte 0", "header length is 0");
        if (length > LargestHeaderBytes)
            throw new InvalidInputException(file, "byte 0", $"header length {length} is over the format's limit of {LargestHeaderBytes}; this is not a .safetensors file");
        if (length > (ulong)(fileBytes - LengthBytes))
            throw new InvalidInputException(file, "byte 0", $"header length {length} reaches past the end of the file ({fileBytes} bytes); the file is cut short. Download it again.");
        byte[] json = new byte[(int)length];
        Fill(file, handle, json, LengthBytes);
        return new SafetensorsHeader(file, fileBytes, LengthBytes + (long)length, json);
    }

    private static void Fill(string file, Microsoft.Win32.SafeHandles.SafeFileHandle handle, Span<byte> target, long offset)
    {
        while (target.Length > 0)
        {
            int read = RandomAccess.Read(handle, target, offset);
            if (read == 0) throw new StorageException(file, offset, "the file ended while its header was read");
            target = target[read..];
            offset += read;
        }
    }
}
