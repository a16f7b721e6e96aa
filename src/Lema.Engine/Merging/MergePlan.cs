using Lema.Engine.Adapters;
using Lema.Engine.Models;
using Lema.Engine.Weights;
using static TorchSharp.torch;

namespace Lema.Engine.Merging;

/// <summary>One tensor of the merged model.</summary>
/// <param name="Name">Its name in the merged files, as the base spells it.</param>
/// <param name="Source">The base tensor it is made from.</param>
/// <param name="Type">Its type in the merged files.</param>
/// <param name="Update">What is added, or null for a copy.</param>
internal sealed record MergedTensor(string Name, TensorEntry Source, ScalarType Type, WeightUpdate? Update)
{
    public SafetensorsSpec Spec { get; } = new(Name, SafetensorsDtype.NameOf(Type), Source.Shape);
}

/// <summary>What is written where: the tensors of each file, in the order in which the base is read.</summary>
/// <param name="Untied">The base's head is its embedding and the merged model's is not, since training changed one of the two.</param>
internal sealed record MergePlan(IReadOnlyList<IReadOnlyList<MergedTensor>> Shards, bool Untied)
{
    public const string HeadName = "lm_head.weight";

    private static readonly ScalarType[] Floating = [ScalarType.BFloat16, ScalarType.Float16, ScalarType.Float32];

    public long TotalBytes => Shards.Sum(shard => shard.Sum(tensor => tensor.Spec.ByteCount));

    public static MergePlan Of(DecoderModel model, GlobalBinaryIndex index, AdapterWeights adapters, MergeOptions options)
    {
        IReadOnlyDictionary<string, WeightUpdate> updates = WeightUpdate.Of(model, adapters);
        bool untied = model.TiedEmbeddings && adapters.Embedding != adapters.Head;
        List<MergedTensor> tensors = [.. index.Tensors.Select(entry => Plan(entry.Name, model.PublishedName(entry.Name), entry))];
        if (untied) tensors.Add(Plan(HeadName, HeadName, index.Tensors.Single(entry => model.PublishedName(entry.Name) == model.EmbeddingName)));
        int used = tensors.Count(tensor => tensor.Update is not null);
        if (used != updates.Count) throw new InvalidOperationException($"{updates.Count} updates, {used} of them found their tensor.");
        return new MergePlan([.. Divide(tensors, options.ShardBytes)], untied);

        MergedTensor Plan(string name, string published, TensorEntry entry)
        {
            bool widen = options.Dtype == MergeDtype.Float32 && Floating.Contains(entry.Type);
            return new MergedTensor(name, entry, widen ? ScalarType.Float32 : entry.Type, updates.GetValueOrDefault(published));
        }
    }

    private static IEnumerable<IReadOnlyList<MergedTensor>> Divide(List<MergedTensor> tensors, long shardBytes)
    {
        List<MergedTensor> shard = [];
        long bytes = 0;
        foreach (MergedTensor tensor in tensors)
        {
            if (shard.Count > 0 && bytes + tensor.Spec.ByteCount > shardBytes)
            {
                yield return shard;
                (shard, bytes) = ([], 0);
            }
            shard.Add(tensor);
            bytes += tensor.Spec.ByteCount;
        }
        yield return shard;
    }
}
