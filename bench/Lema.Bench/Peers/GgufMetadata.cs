using System.Text;

namespace Lema.Bench.Peers;

/// <summary>The key-value part of a GGUF file, in the order in which entries are added (GGUF specification, version 3: little-endian, strings with a 64-bit length).</summary>
internal sealed class GgufMetadata
{
    private const uint UInt32 = 4, Int32 = 5, Float32 = 6, Bool = 7, String = 8, Array = 9;

    private readonly MemoryStream _bytes = new();
    private readonly BinaryWriter _writer;

    public GgufMetadata() => _writer = new BinaryWriter(_bytes);

    public ulong Count { get; private set; }

    public ReadOnlySpan<byte> Bytes => _bytes.GetBuffer().AsSpan(0, (int)_bytes.Length);

    public void Add(string key, uint value) => Entry(key, UInt32).Write(value);

    public void Add(string key, float value) => Entry(key, Float32).Write(value);

    public void Add(string key, bool value) => Entry(key, Bool).Write(value);

    public void Add(string key, string value) => WriteText(Entry(key, String), value);

    public void Add(string key, IReadOnlyCollection<string> values)
    {
        BinaryWriter writer = ArrayEntry(key, String, values.Count);
        foreach (string value in values) WriteText(writer, value);
    }

    public void Add(string key, IReadOnlyCollection<int> values)
    {
        BinaryWriter writer = ArrayEntry(key, Int32, values.Count);
        foreach (int value in values) writer.Write(value);
    }

    /// <summary>A string as everywhere in the format: its length in bytes, then UTF-8.</summary>
    public static void WriteText(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    private BinaryWriter ArrayEntry(string key, uint type, int count)
    {
        BinaryWriter writer = Entry(key, Array);
        writer.Write(type);
        writer.Write((ulong)count);
        return writer;
    }

    private BinaryWriter Entry(string key, uint type)
    {
        Count++;
        WriteText(_writer, key);
        _writer.Write(type);
        return _writer;
    }
}
