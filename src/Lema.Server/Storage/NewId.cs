namespace Lema.Server.Storage;

/// <summary>Ids that sort by the time they were made: a version 7 UUID in lower-case Crockford base 32, 26 characters.</summary>
internal static class NewId
{
    private const string Digits = "0123456789abcdefghjkmnpqrstvwxyz";

    public static string At(DateTimeOffset time)
    {
        Span<byte> bytes = stackalloc byte[16];
        Guid.CreateVersion7(time).TryWriteBytes(bytes, bigEndian: true, out _);
        UInt128 value = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
        Span<char> text = stackalloc char[26];
        for (int i = text.Length - 1; i >= 0; i--, value >>= 5) text[i] = Digits[(int)(value & 31)];
        return new string(text);
    }
}
