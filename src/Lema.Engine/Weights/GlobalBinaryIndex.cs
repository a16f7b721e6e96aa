using System.Security.Cryptography;
using System.Text;
using Lema.Engine.Errors;

namespace Lema.Engine.Weights;

/// <summary>
/// The Global Binary Index (GBI): where every tensor of a model lies, over one or many .safetensors files. Opening it reads and checks the
/// headers; no weight is read.
/// </summary>
public sealed class GlobalBinaryIndex
{
    private readonly Dictionary<string, TensorEntry> _byName;

    private GlobalBinaryIndex(string folder, IReadOnlyList<SafetensorsHeader> headers)
    {
        Folder = folder;
        Headers = headers;
        Tensors = [.. headers.SelectMany(TensorEntries.Of).OrderBy(tensor => tensor.File, StringComparer.Ordinal).ThenBy(tensor => tensor.Offset)];
        _byName = Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        HeaderSha256 = HashOf(headers);
    }

    public string Folder { get; }

    public IReadOnlyList<SafetensorsHeader> Headers { get; }

    /// <summary>In the order in which they lie on disk.</summary>
    public IReadOnlyList<TensorEntry> Tensors { get; }

    /// <summary>Bytes of all tensors.</summary>
    public long TotalBytes => Tensors.Sum(tensor => tensor.ByteCount);

    /// <summary>
    /// Identity of the model as far as headers tell: names, types, shapes, places and sizes of files, in lower-case hexadecimal. Values may differ
    /// under the same identity; <see cref="ContentHash"/> tells those apart.
    /// </summary>
    public string HeaderSha256 { get; }

    /// <summary>One file in layer order, as <see cref="ModelPreparer"/> writes it.</summary>
    public bool IsPrepared => Headers is [{ } only] && only.Metadata.ContainsKey(ModelPreparer.PreparedKey);

    /// <exception cref="InvalidInputException">The model has no tensor of this name.</exception>
    public TensorEntry this[string name] => TryGet(name) ?? throw new InvalidInputException(Folder, $"tensor {Quoted.Name(name)}", "is missing from the model's .safetensors files");

    public TensorEntry? TryGet(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Opens a Hugging Face folder: model.safetensors, or the shards that model.safetensors.index.json lists.</summary>
    /// <exception cref="InvalidInputException">No weights, an invalid file, a shard that is missing or leads out of the folder, a name in two shards.</exception>
    public static GlobalBinaryIndex Open(string folder)
    {
        string full = Path.GetFullPath(folder);
        if (!Directory.Exists(full)) throw new InvalidInputException(full, "", "there is no such folder");
        return new GlobalBinaryIndex(full, ShardList.Read(full));
    }

    /// <summary>
    /// A hash of every byte of the model's files, in lower-case hexadecimal, against damage and not against intent: XxHash128 of the XxHash128 of their pieces of 16 MiB
    /// (docs/formats.md). Reads the whole model.
    /// </summary>
    /// <param name="progress">Told after each read, by one thread at a time.</param>
    /// <exception cref="StorageException">A file could not be read or is shorter than it was when it was opened.</exception>
    public string ContentHash(IProgress<ByteProgress>? progress = null, CancellationToken cancellation = default) => ModelHash.Compute(Headers, progress, cancellation);

    private static string HashOf(IReadOnlyList<SafetensorsHeader> headers)
    {
        StringBuilder text = new();
        foreach (SafetensorsHeader header in headers) text.Append($"{Path.GetFileName(header.File)}\n{header.FileBytes}\n{header.Sha256}\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
