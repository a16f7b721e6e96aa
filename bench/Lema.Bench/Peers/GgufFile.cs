namespace Lema.Bench.Peers;

/// <summary>Element types, by their numbers in the file.</summary>
internal enum GgufType : uint { F32 = 0, BF16 = 30 }

/// <param name="Shape">Dimensions, innermost first.</param>
/// <param name="Read">Brings the data when its turn comes.</param>
internal sealed record GgufTensor(string Name, IReadOnlyList<long> Shape, GgufType Type, Func<byte[]> Read)
{
    public long ByteCount => Shape.Aggregate(Type == GgufType.F32 ? 4L : 2L, (bytes, size) => bytes * size);
}

/// <summary>Writes GGUF version 3: header, metadata, where each tensor lies, then the tensors at multiples of 32 bytes.</summary>
internal static class GgufFile
{
    private const uint Version = 3;
    private const int Alignment = 32;

    /// <summary>One tensor is in memory at a time.</summary>
    public static void Write(Stream file, GgufMetadata metadata, IReadOnlyList<GgufTensor> tensors)
    {
        using BinaryWriter writer = new(file, System.Text.Encoding.UTF8, leaveOpen: true);
        writer.Write("GGUF"u8);
        writer.Write(Version);
        writer.Write((ulong)tensors.Count);
        writer.Write(metadata.Count);
        writer.Write(metadata.Bytes);
        long offset = 0;
        foreach (GgufTensor tensor in tensors)
        {
            GgufMetadata.WriteText(writer, tensor.Name);
            writer.Write((uint)tensor.Shape.Count);
            foreach (long size in tensor.Shape) writer.Write((ulong)size);
            writer.Write((uint)tensor.Type);
            writer.Write((ulong)offset);
            offset += tensor.ByteCount + Padding(tensor.ByteCount);
        }
        writer.Flush();
        WriteZeros(writer, Padding(file.Position));
        foreach (GgufTensor tensor in tensors)
        {
            writer.Write(tensor.Read());
            WriteZeros(writer, Padding(tensor.ByteCount));
        }
    }

    private static void WriteZeros(BinaryWriter writer, int count)
    {
        Span<byte> zeros = stackalloc byte[Alignment];
        zeros.Clear();
        writer.Write(zeros[..count]);
    }

    private static int Padding(long position) => (int)((Alignment - position % Alignment) % Alignment);
}
