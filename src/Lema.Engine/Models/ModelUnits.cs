using Lema.Engine.Errors;
using Lema.Engine.Streaming;
using Lema.Engine.Weights;

namespace Lema.Engine.Models;

/// <summary>
/// How a model is divided into units of streaming: each block, each expert, the final norm and the tiles of the output matrix. The embedding is no unit: its
/// rows are gathered from the host.
/// </summary>
public sealed class ModelUnits
{
    private const long SmallestTileBytes = 1 << 16;

    private readonly int[] _blocks;
    private readonly int[][] _experts;

    /// <summary>Divides a model, checking every tensor that it needs against the index.</summary>
    /// <remarks>Tiles of the output matrix are no larger than the largest block, so that they fit the same slots.</remarks>
    /// <exception cref="InvalidInputsException">Tensors that are missing, have another shape, or that the architecture does not know.</exception>
    public static ModelUnits Of(DecoderModel model, GlobalBinaryIndex index) =>
        new(model, index.Folder, index.Tensors.Select(tensor => tensor with { Name = model.PublishedName(tensor.Name) }).ToDictionary(tensor => tensor.Name));

    private ModelUnits(DecoderModel model, string source, IReadOnlyDictionary<string, TensorEntry> tensors)
    {
        TensorCheck check = new(source, tensors);
        List<StreamUnit> units = [];
        int Add(string name, IEnumerable<TensorSlice> slices)
        {
            units.Add(new(name, [.. slices]));
            return units.Count - 1;
        }

        Embedding = check.Find(model.EmbeddingName, [model.VocabularySize, model.HiddenSize]);
        EmbeddingExtras = [.. model.EmbeddingExtras.Select(extra => check.Find(extra.Suffix, extra.Shape))];
        _blocks = new int[model.BlockCount];
        _experts = new int[model.BlockCount][];
        for (int block = 0; block < model.BlockCount; block++)
        {
            BlockParts parts = model.Parts(block);
            string prefix = model.BlockPrefix(block);
            TensorSlice Slice(ParameterSpec parameter) => new(check.Find(prefix + parameter.Suffix, parameter.Shape));
            _blocks[block] = Add($"block {block}", parts.Streamed().Select(Slice));
            _experts[block] = [.. parts.Experts.Select((expert, e) => Add($"block {block} expert {e}", expert.SelectMany(linear => linear.Parameters()).Select(Slice)))];
        }
        FinalNorm = Add("final norm", model.FinalNormParameters.Select(norm => new TensorSlice(check.Find(norm.Suffix, norm.Shape))));
        Head = check.Find(model.HeadName, [model.VocabularySize, model.HiddenSize]);
        check.RejectUnknown();
        HeadTiles = [.. Tiles(Head, Math.Max(units.Max(unit => unit.ByteCount), SmallestTileBytes)).Select((tile, i) => Add($"head tile {i}", [tile]))];
        Units = units;
    }

    public IReadOnlyList<StreamUnit> Units { get; }

    public TensorEntry Embedding { get; }

    public IReadOnlyList<TensorEntry> EmbeddingExtras { get; }

    public TensorEntry Head { get; }

    public int FinalNorm { get; }

    public IReadOnlyList<int> HeadTiles { get; }

    public int Block(int block) => _blocks[block];

    public int Expert(int block, int expert) => _experts[block][expert];

    private static IEnumerable<TensorSlice> Tiles(TensorEntry matrix, long tileBytes)
    {
        long rows = matrix.Shape[0], tiles = (matrix.ByteCount + tileBytes - 1) / tileBytes, size = (rows + tiles - 1) / tiles;
        for (long first = 0; first < rows; first += size) yield return new(matrix, first, Math.Min(size, rows - first));
    }
}
