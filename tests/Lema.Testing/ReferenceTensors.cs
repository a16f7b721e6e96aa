using System.Runtime.InteropServices;
using System.Text.Json;

namespace Lema.Testing;

/// <summary>Reads small .safetensors of reference values as arrays, without the product's reader, so that the two cannot be wrong together.</summary>
public sealed class ReferenceTensors
{
    private readonly byte[] _file;
    private readonly int _dataStart;
    private readonly JsonElement _header;

    public ReferenceTensors(string path)
    {
        _file = File.ReadAllBytes(path);
        int headerLength = checked((int)BitConverter.ToUInt64(_file));
        _dataStart = 8 + headerLength;
        _header = JsonDocument.Parse(_file.AsMemory(8, headerLength)).RootElement;
    }

    public IEnumerable<string> Names => _header.EnumerateObject().Select(property => property.Name).Where(name => name != "__metadata__");

    public string? Metadata(string key) =>
        _header.TryGetProperty("__metadata__", out JsonElement metadata) && metadata.TryGetProperty(key, out JsonElement value) ? value.GetString() : null;

    public string DType(string name) => _header.GetProperty(name).GetProperty("dtype").GetString()!;

    public long[] Shape(string name) => [.. _header.GetProperty(name).GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];

    public ReadOnlySpan<byte> Bytes(string name)
    {
        JsonElement offsets = _header.GetProperty(name).GetProperty("data_offsets");
        int start = offsets[0].GetInt32(), end = offsets[1].GetInt32();
        return _file.AsSpan(_dataStart + start, end - start);
    }

    /// <summary>Values of an F32 or BF16 tensor, row-major.</summary>
    public float[] Floats(string name) => DType(name) switch
    {
        "F32" => MemoryMarshal.Cast<byte, float>(Bytes(name)).ToArray(),
        "BF16" => Array.ConvertAll(MemoryMarshal.Cast<byte, ushort>(Bytes(name)).ToArray(), bits => BitConverter.UInt32BitsToSingle((uint)bits << 16)),
        string other => throw new NotSupportedException($"{name} is {other}"),
    };

    public long[] Longs(string name) => MemoryMarshal.Cast<byte, long>(Bytes(name)).ToArray();
}
