using Lema.Engine.Errors;
using Lema.Engine.Storage;
using Lema.Engine.Streaming;

namespace Lema.Engine.Weights;

/// <summary>
/// Turns a Hugging Face folder of one or many shards into one whose single model.safetensors lies in layer order, so that a unit of streaming is
/// one sequential read. The result stays a valid Hugging Face folder. Memory in use does not depend on the model's size.
/// </summary>
public static class ModelPreparer
{
    /// <summary>Metadata key of a prepared file; its value is the version of the order.</summary>
    public const string PreparedKey = "lema.prepared";

    private const string SourceKey = "lema.source";
    private const string OrderVersion = "1";
    private const int PieceBytes = 1 << 20;

    /// <param name="folder">The model: config.json, tokenizer files and .safetensors weights.</param>
    /// <param name="output">Folder to create. One that was prepared from the same weights is left as it is, so that running it twice does no harm.</param>
    /// <exception cref="InvalidInputException">The model is not valid, the output is something else, or a value does not fit float16.</exception>
    /// <exception cref="StorageException">The disk refused; nothing is left behind.</exception>
    public static PreparedModel Prepare(string folder, string output, PrepareOptions options, IProgress<ByteProgress>? progress = null, CancellationToken cancellation = default)
    {
        GlobalBinaryIndex index = GlobalBinaryIndex.Open(folder);
        output = Path.TrimEndingDirectorySeparator(Path.GetFullPath(output));
        IReadOnlyList<TensorEntry> order = LayerOrder.Of(index.Tensors);
        SafetensorsSpec[] specs = [.. order.Select(tensor => new SafetensorsSpec(tensor.Name, StoredAs(tensor, options), tensor.Shape))];
        string source = options.ConvertToFp16 ? index.HeaderSha256 + "+fp16" : index.HeaderSha256;
        if (Path.Exists(output)) return Existing(output, source);

        Dictionary<string, string> metadata = new() { ["format"] = "pt", [PreparedKey] = OrderVersion, [SourceKey] = source };
        HalfConversion conversion = new();
        AtomicFolder.Create(output, temporary =>
        {
            using (SafetensorsWriter writer = new(Path.Combine(temporary, "model.safetensors"), specs, metadata, HostBuffer.Alignment))
            {
                Copy(order, options, conversion, writer, index.TotalBytes, progress, cancellation);
                writer.Complete();
            }
            ModelFolderFiles.Copy(index.Folder, temporary, options.ConvertToFp16 ? "float16" : null);
        });
        return new PreparedModel(output, specs.Sum(spec => spec.ByteCount), conversion.Underflowed);
    }

    private static string StoredAs(TensorEntry tensor, PrepareOptions options) =>
        options.ConvertToFp16 && HalfConversion.AppliesTo(tensor) ? "F16" : SafetensorsDtype.NameOf(tensor.Type);

    private static PreparedModel Existing(string output, string source)
    {
        if (Directory.Exists(output) && File.Exists(Path.Combine(output, "model.safetensors")))
        {
            GlobalBinaryIndex existing = GlobalBinaryIndex.Open(output);
            if (existing.IsPrepared && existing.Headers[0].Metadata.GetValueOrDefault(SourceKey) == source) return new PreparedModel(output, existing.TotalBytes, 0);
        }
        throw new InvalidInputException(output, "", "exists and was not prepared from this model; choose another folder or delete it");
    }

    private static void Copy(IReadOnlyList<TensorEntry> order, PrepareOptions options, HalfConversion conversion, SafetensorsWriter writer, long totalBytes,
        IProgress<ByteProgress>? progress, CancellationToken cancellation)
    {
        using ModelFiles files = new();
        using ReadAhead reader = new(files);
        long done = 0;
        reader.ForEach(order.SelectMany(tensor => TensorPiece.OfElements(tensor, PieceBytes)), piece => piece.Place, (bytes, piece) =>
        {
            cancellation.ThrowIfCancellationRequested();
            if (options.ConvertToFp16 && HalfConversion.AppliesTo(piece.Tensor)) conversion.Convert(piece.Tensor, bytes, writer);
            else writer.Write(bytes);
            done += bytes.Length;
            progress?.Report(new ByteProgress(done, totalBytes));
        });
        files.VerifyUnchanged(order.Select(tensor => tensor.File).Distinct());
    }
}
