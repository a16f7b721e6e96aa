using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lema.Engine.Checkpoints;

/// <summary>
/// <c>manifest.json</c> of a checkpoint: step, metric, and size and SHA-256 of every other file. It carries its own SHA-256, and only the exact bytes that
/// <see cref="Encode"/> writes are accepted, so that a flipped bit anywhere in the folder shows.
/// </summary>
/// <param name="Format">Version of this layout.</param>
public sealed record CheckpointManifest(int Format, long Step, CheckpointMetric? Metric, IReadOnlyList<CheckpointFile> Files)
{
    public const string FileName = "manifest.json";
    public const int CurrentFormat = 1;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        WriteIndented = true,
        NewLine = "\n",
        AllowDuplicateProperties = false,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(new Sealed(this, Digest(this)), Json);

    /// <summary>Reads what <see cref="Encode"/> wrote; null when a single byte differs.</summary>
    public static CheckpointManifest? Decode(byte[] content)
    {
        try
        {
            Sealed? file = JsonSerializer.Deserialize<Sealed>(content, Json);
            bool isExact = file is { Manifest: { Format: CurrentFormat, Files: not null } manifest } && file.Sha256 == Digest(manifest) && manifest.Encode().AsSpan().SequenceEqual(content);
            return isExact ? file!.Manifest : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Digest(CheckpointManifest manifest) => Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(manifest, Json)));

    private sealed record Sealed(CheckpointManifest Manifest, string Sha256);
}

/// <param name="Path">Relative to the checkpoint's folder, with forward slashes.</param>
public sealed record CheckpointFile(string Path, long Size, string Sha256);
