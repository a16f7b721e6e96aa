using Google.Protobuf.WellKnownTypes;
using Lema.Engine.Adapters;
using Lema.Engine.Errors;
using Lema.Engine.Models;
using Lema.Engine.Streaming;
using Lema.Engine.Weights;
using Lema.Protocol.V1;

namespace Lema.Server.Models;

/// <summary>What a model folder holds, told from its config and the headers of its files; no weight is read.</summary>
internal sealed record ModelDescription(DecoderModel Architecture, GlobalBinaryIndex Index)
{
    public long Parameters => Index.Tensors.Sum(tensor => tensor.Shape.Aggregate(1L, (product, size) => product * size));

    /// <summary>The type of the tensors that hold the most bytes.</summary>
    public string Dtype => Index.Tensors.GroupBy(t => t.Type).OrderByDescending(g => g.Sum(t => t.ByteCount)).Select(g => SafetensorsDtype.NameOf(g.Key)).FirstOrDefault("");

    /// <exception cref="LemaException">No model, or one that this version cannot use; the message says why.</exception>
    public static ModelDescription Read(string folder)
    {
        ModelDescription description = new(ModelFamilies.Read(folder), GlobalBinaryIndex.Open(folder));
        _ = description.Units();
        return description;
    }

    public ModelUnits Units() => ModelUnits.Of(Architecture, Index);

    public static Model Summarize(ModelRecord record, bool prepared)
    {
        Model model = new() { Name = record.Name, Origin = record.Origin, Prepared = prepared, Added = record.Added is { } added ? Timestamp.FromDateTimeOffset(added) : null };
        try
        {
            ModelDescription description = Read(record.Folder);
            model.Family = description.Architecture.ModelType;
            model.Parameters = description.Parameters;
            model.WeightBytes = description.Index.TotalBytes;
            model.Dtype = description.Dtype;
            model.Layers = description.Architecture.BlockCount;
            model.VocabularySize = description.Architecture.VocabularySize;
            model.MaxPositions = description.Architecture.MaxPositions;
        }
        catch (LemaException error)
        {
            model.Problem = error.Message;
        }
        return model;
    }

    /// <summary>The embedding, then the units as they are streamed.</summary>
    public IEnumerable<ModelUnit> DescribeUnits()
    {
        ModelUnits units = Units();
        yield return Describe("embedding", [new TensorSlice(units.Embedding), .. units.EmbeddingExtras.Select(extra => new TensorSlice(extra))]);
        foreach (StreamUnit unit in units.Units) yield return Describe(unit.Name, unit.Slices);
    }

    /// <summary>What LoRA can be put on, by the last part of the name.</summary>
    public IEnumerable<string> LinearModules() => TargetModules.ShortNames(TargetModules.Find(Architecture, new Engine.Adapters.LoraSettings()));

    private static ModelUnit Describe(string name, IReadOnlyList<TensorSlice> slices)
    {
        ModelUnit unit = new() { Name = name, Bytes = slices.Sum(slice => slice.ByteCount) };
        foreach (TensorEntry tensor in slices.Select(slice => slice.Tensor))
            unit.Tensors.Add(new ModelTensor
            {
                Name = tensor.Name, Dtype = SafetensorsDtype.NameOf(tensor.Type), Shape = { tensor.Shape }, Bytes = tensor.ByteCount, File = Path.GetFileName(tensor.File), Offset = tensor.Offset,
            });
        return unit;
    }
}
