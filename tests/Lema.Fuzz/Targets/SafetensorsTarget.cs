using System.Buffers.Binary;
using System.Text;
using Lema.Engine.Errors;
using Lema.Engine.Weights;
using Lema.Testing.Safetensors;

namespace Lema.Fuzz.Targets;

/// <summary>The header of a .safetensors file. Begins with the conformance cases.</summary>
internal sealed class SafetensorsTarget : IFuzzTarget, IDisposable
{
    private const int LengthBytes = 8;

    private readonly string _file = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"lema-fuzz-{Guid.NewGuid():N}.safetensors");

    public string Name => "safetensors";

    public IReadOnlyList<byte[]> Dictionary { get; } =
    [
        .. new[]
        {
            "{", "}", "[", "]", ",", ":", "\"", "\\u0061", "\\ud800", "null", "true", "-1", "1e2", "0", "8", "9223372036854775807", "4611686018427387904", "__metadata__", "dtype", "shape",
            "data_offsets", "\"F32\"", "\"BF16\"", "\"F4\"", "\"I64\"", "{}", "[]", "[0,0]", "[0,8]", "{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
        }.Select(Encoding.UTF8.GetBytes),
        [0], [0xef, 0xbb, 0xbf], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ];

    public IEnumerable<byte[]> Corpus() => SafetensorsCases.All.Select(one => one.Content).Where(content => content.Length <= 1 << 14);

    public string Parse(byte[] input)
    {
        File.WriteAllBytes(_file, input);
        try
        {
            SafetensorsHeader header = SafetensorsHeader.Read(_file);
            return $"taken with {Math.Min(header.Tensors.Count, 4)} tensors";
        }
        catch (InvalidInputException refusal) when (refusal.InputSource == _file && refusal.Place.Length > 0)
        {
            return Outcome.Of(refusal);
        }
    }

    /// <summary>Sets the header's length to where its last brace is.</summary>
    public byte[] Mend(byte[] input)
    {
        if (input.Length < LengthBytes) return input;
        byte[] mended = [.. input];
        int end = Array.LastIndexOf(mended, (byte)'}') + 1;
        BinaryPrimitives.WriteInt64LittleEndian(mended, Math.Max(0, end - LengthBytes));
        return mended;
    }

    public void Dispose() => File.Delete(_file);
}
