using System.Buffers.Binary;
using System.Text;

namespace Lema.Testing.Safetensors;

/// <param name="Name">File name without its extension.</param>
/// <param name="Accept">Whether a strict reader takes the file.</param>
/// <param name="Content">The bytes of the file.</param>
public sealed record SafetensorsCase(string Name, bool Accept, byte[] Content)
{
    internal static SafetensorsCase Of(string name, bool accept, string header, int dataBytes = 0) => Of(name, accept, Encoding.UTF8.GetBytes(header), dataBytes);

    internal static SafetensorsCase Of(string name, bool accept, byte[] header, int dataBytes = 0) => Raw(name, accept, (ulong)header.Length, [.. header, .. Data(dataBytes)]);

    internal static SafetensorsCase Raw(string name, bool accept, ulong length, byte[] rest)
    {
        byte[] content = new byte[8 + rest.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(content, length);
        rest.CopyTo(content, 8);
        return new SafetensorsCase(name, accept, content);
    }

    internal static byte[] Data(int count) => [.. Enumerable.Range(0, count).Select(index => (byte)(index * 37 + 11))];
}
