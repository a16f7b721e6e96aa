using System.Buffers.Binary;
using System.Text;
using Lema.Engine.Errors;
using Lema.Engine.Weights;

namespace Lema.Fuzz.Targets;

/// <summary>The index file of a model in two shards.</summary>
internal sealed class IndexTarget : IFuzzTarget, IDisposable
{
    private const string First = "model-00001-of-00002.safetensors", Second = "model-00002-of-00002.safetensors";

    private readonly TemporaryFiles _files = new();

    public IndexTarget()
    {
        _files.Write(First, Shard("a"));
        _files.Write(Second, Shard("b"));
    }

    public string Name => "index";

    public IReadOnlyList<byte[]> Dictionary { get; } =
        [.. new[] { "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"b\"", "\"weight_map\"", $"\"{First}\"", $"\"{Second}\"", "\"../x\"", "\"/etc/passwd\"", "\".\"", "\"\\u0000\"", "null", "1", "{}" }.Select(Encoding.UTF8.GetBytes)];

    public IEnumerable<byte[]> Corpus() =>
    [
        Encoding.UTF8.GetBytes($$$"""{"metadata":{"total_size":16},"weight_map":{"a":"{{{First}}}","b":"{{{Second}}}"}}"""),
        Encoding.UTF8.GetBytes($$$"""{"weight_map":{"a":"{{{First}}}"}}"""),
        "{}"u8.ToArray(),
    ];

    public string Parse(byte[] input)
    {
        _files.Write("model.safetensors.index.json", input);
        try
        {
            GlobalBinaryIndex.Open(_files.Folder);
            return "taken";
        }
        catch (InvalidInputException refusal)
        {
            return Outcome.Of(refusal);
        }
    }

    public byte[] Mend(byte[] input) => input;

    public void Dispose() => _files.Dispose();

    private static byte[] Shard(string tensor)
    {
        byte[] header = Encoding.UTF8.GetBytes($$$"""{"{{{tensor}}}":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""");
        byte[] file = new byte[8 + header.Length + 8];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.CopyTo(file, 8);
        return file;
    }
}
