using Lema.Engine.Adapters;
using Lema.Engine.Models;
using static TorchSharp.torch;

namespace Lema.Engine.Merging;

/// <summary>What training made of one tensor of the base: a low-rank update of it, or another value altogether.</summary>
internal abstract record WeightUpdate
{
    /// <summary>All updates, by the published name of the tensor in the merged model.</summary>
    public static IReadOnlyDictionary<string, WeightUpdate> Of(DecoderModel model, AdapterWeights adapters)
    {
        Dictionary<string, WeightUpdate> updates = [];
        for (int block = 0; block < model.BlockCount; block++)
        {
            BlockParts parts = model.Parts(block);
            foreach (LinearSpec linear in parts.Linears.Concat(parts.Experts.SelectMany(expert => expert)))
            {
                string module = model.BlockPrefix(block) + linear.Module;
                if (adapters.Modules.TryGetValue(module, out LoraModule? lora)) updates.Add(module + ".weight", new LowRankUpdate(lora, linear.Transposed));
            }
        }
        foreach ((string name, TrainedParameter trained) in adapters.Whole) updates.Add(name, new Replacement(trained.Value));
        if (adapters.Embedding is { } embedding) updates[model.EmbeddingName] = new Replacement(embedding.Value);
        if (adapters.Head is { } head && head != adapters.Embedding) updates[MergePlan.HeadName] = new Replacement(head.Value);
        return updates;
    }
}

internal sealed record Replacement(Tensor Value) : WeightUpdate;

/// <param name="Transposed">The weight is stored [in, out].</param>
internal sealed record LowRankUpdate(LoraModule Lora, bool Transposed) : WeightUpdate;
