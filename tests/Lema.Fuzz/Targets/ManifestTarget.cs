using System.Security.Cryptography;
using System.Text;
using Lema.Engine.Checkpoints;

namespace Lema.Fuzz.Targets;

/// <summary>The manifest of a checkpoint: only the bytes that were written are taken.</summary>
internal sealed class ManifestTarget : IFuzzTarget
{
    private static readonly byte[][] Written =
    [
        .. new[]
        {
            new CheckpointManifest(CheckpointManifest.CurrentFormat, 7, new CheckpointMetric("eval_loss", 0.25), [new CheckpointFile("adapter_model.safetensors", 10, new string('a', 64))]),
            new CheckpointManifest(CheckpointManifest.CurrentFormat, 0, new CheckpointMetric("eval_loss", double.NaN), []),
            new CheckpointManifest(CheckpointManifest.CurrentFormat, long.MaxValue, null, [new CheckpointFile("a/b", 0, Convert.ToHexStringLower(SHA256.HashData([])))]),
        }.Select(manifest => manifest.Encode()),
    ];

    public string Name => "manifest";

    public IReadOnlyList<byte[]> Dictionary { get; } =
        [.. new[] { "{", "}", "[", "]", ",", ":", "null", "true", "-1", "1e999", "\"NaN\"", "manifest", "sha256", "files", "path", "size", "\\u0061" }.Select(Encoding.UTF8.GetBytes)];

    public IEnumerable<byte[]> Corpus() => Written;

    public string Parse(byte[] input)
    {
        bool isTaken = CheckpointManifest.Decode(input) is not null;
        bool isWritten = Written.Any(written => written.AsSpan().SequenceEqual(input));
        return isTaken == isWritten ? isTaken ? "taken" : "refused" : throw new InvalidOperationException(isTaken ? "bytes that were never written are taken" : "bytes that were written are refused");
    }

    public byte[] Mend(byte[] input) => input;
}
