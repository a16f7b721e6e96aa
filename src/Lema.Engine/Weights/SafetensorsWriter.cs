using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using Lema.Engine.Devices;
using Lema.Engine.Errors;
using Lema.Engine.Streaming;
using TorchSharp;

namespace Lema.Engine.Weights;

/// <summary>
/// Writes a .safetensors file front to back: the header from the list of tensors, then their data in that order, whole or piece by piece. Memory
/// in use does not depend on the size of the file. Not atomic: write to a temporary name, <see cref="Complete"/>, rename.
/// </summary>
public sealed class SafetensorsWriter : IDisposable
{
    private static readonly Dictionary<string, string> PyTorchMetadata = new() { ["format"] = "pt" };

    private readonly WriteBehind _file;
    private readonly IReadOnlyList<SafetensorsSpec> _specs;
    private readonly int _headerBytes;
    private int _next;

    /// <param name="file">Created; what was there before is replaced.</param>
    /// <param name="specs">The tensors in the order in which their data will follow.</param>
    /// <param name="metadata">Null: <c>{"format": "pt"}</c>, which transformers and PEFT expect.</param>
    /// <param name="dataAlignment">The data section starts at a multiple of this many bytes; a power of two from 8 on.</param>
    /// <exception cref="StorageException">The disk is full, or the operating system refused.</exception>
    public SafetensorsWriter(string file, IEnumerable<SafetensorsSpec> specs, IReadOnlyDictionary<string, string>? metadata = null, int dataAlignment = 8)
    {
        _specs = [.. specs];
        byte[] header = Header(_specs, metadata ?? PyTorchMetadata, dataAlignment);
        _headerBytes = header.Length;
        _file = new WriteBehind(file, header.Length + _specs.Sum(spec => spec.ByteCount));
        _file.Append(header);
    }

    /// <summary>Bytes of tensors that were given so far.</summary>
    public long DataBytes => _file.Position - _headerBytes;

    /// <summary>Data of the next tensor, which has to have the type and shape that were announced.</summary>
    public void Write(torch.Tensor tensor)
    {
        SafetensorsSpec spec = _next < _specs.Count ? _specs[_next] : throw new InvalidOperationException("All tensors are written.");
        if (SafetensorsDtype.NameOf(tensor.dtype) != spec.Dtype || !tensor.shape.SequenceEqual(spec.Shape))
            throw new ArgumentException($"Expected {spec.Dtype} [{string.Join(", ", spec.Shape)}] for {spec.Name}, got {tensor.dtype} [{string.Join(", ", tensor.shape)}].", nameof(tensor));
        _next++;
        using torch.Tensor flat = Flat(tensor);
        const long chunk = 1 << 30;
        long bytes = TensorMemory.ByteCount(flat);
        nint data = TensorMemory.Pointer(flat);
        for (long done = 0; done < bytes; done += chunk)
        {
            unsafe { Write(new ReadOnlySpan<byte>((void*)(data + (nint)done), (int)Math.Min(chunk, bytes - done))); }
        }
    }

    /// <summary>The next bytes of the data section, whichever tensor they belong to.</summary>
    /// <exception cref="StorageException">The disk is full or refuses; may concern bytes of an earlier call.</exception>
    public void Write(ReadOnlySpan<byte> bytes) => _file.Append(bytes);

    /// <summary>Flushes to the disk itself.</summary>
    /// <exception cref="InvalidOperationException">Data is missing.</exception>
    /// <exception cref="StorageException">The disk is full or refuses.</exception>
    public void Complete() => _file.Complete();

    public void Dispose() => _file.Dispose();

    /// <summary>Length, JSON and padding: all that comes before the data.</summary>
    internal static byte[] Header(IReadOnlyList<SafetensorsSpec> specs, IReadOnlyDictionary<string, string> metadata, int dataAlignment)
    {
        ArrayBufferWriter<byte> buffer = new();
        buffer.Write<byte>([0, 0, 0, 0, 0, 0, 0, 0]);
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata.Count > 0) WriteMetadata(json, metadata);
            long begin = 0;
            HashSet<string> names = new(StringComparer.Ordinal);
            foreach (SafetensorsSpec spec in specs)
            {
                if (!names.Add(spec.Name)) throw new ArgumentException($"{spec.Name} is given twice.", nameof(specs));
                WriteTensor(json, spec, begin);
                begin += spec.ByteCount;
            }
            json.WriteEndObject();
        }
        int padded = (buffer.WrittenCount + dataAlignment - 1) / dataAlignment * dataAlignment;
        buffer.GetSpan(padded - buffer.WrittenCount)[..(padded - buffer.WrittenCount)].Fill((byte)' ');
        buffer.Advance(padded - buffer.WrittenCount);
        byte[] header = buffer.WrittenSpan.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, padded - 8);
        return header;
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string> metadata)
    {
        json.WriteStartObject("__metadata__");
        foreach ((string key, string value) in metadata) json.WriteString(key, value);
        json.WriteEndObject();
    }

    private static void WriteTensor(Utf8JsonWriter json, SafetensorsSpec spec, long begin)
    {
        json.WriteStartObject(spec.Name);
        json.WriteString("dtype", spec.Dtype);
        json.WriteStartArray("shape");
        foreach (long dimension in spec.Shape) json.WriteNumberValue(dimension);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(begin);
        json.WriteNumberValue(begin + spec.ByteCount);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>A contiguous host tensor of its own, so that disposing it leaves the caller's alone.</summary>
    private static torch.Tensor Flat(torch.Tensor tensor)
    {
        using torch.Tensor detached = tensor.detach();
        using torch.Tensor host = detached.cpu();
        return host.contiguous();
    }
}
